# SPDX-License-Identifier: AGPL-3.0-only
"""The Turkish texts of the commands that fetch models and talk to servers."""

from __future__ import annotations

CATALOGUE = {
    # Answers and conversations
    "passed": "başarılı",
    "failed": "başarısız",
    "the context was not free after {seconds} s": "bağlam {seconds} sn sonra boşalmadı",
    "FACT": "BİLGİ",
    "without a server": "sunucu olmadan",
    "load this model here: a path, org/repo[:QUANT] or guide": (
        "bu modeli burada yükle: bir yol, org/repo[:QUANT] veya guide"
    ),
    "system prompt": "sistem istemi",
    "only the suite with this id; repeatable": "yalnızca bu kimlikli takım; tekrarlanabilir",
    "a JSON file of suites instead of the built-in ones": (
        "yerleşik takımların yerine takımların olduğu bir JSON dosyası"
    ),
    "list the suites and their tests": "takımları ve testlerini listeler",
    "switch the server to this profile first; repeatable": (
        "önce sunucuyu bu profile geçir; tekrarlanabilir"
    ),
    "one profile of the server after the other": "sunucunun profilleri sırayla",
    "write the CSV to this file instead of standard output": (
        "CSV'yi standart çıktı yerine bu dosyaya yaz"
    ),
    "longest wait for a model to be ready, in seconds (default: {value})": (
        "bir modelin hazır olması için en uzun bekleme, saniye (varsayılan: {value})"
    ),
    "{failed} of {total} tests failed": "{total} testten {failed} tanesi başarısız",
    "run suites of conversations against a server, as CSV": (
        "bir sunucuyla konuşma takımları çalıştırır, sonuç CSV"
    ),
    "SUITE": "TAKIM",
    "TEST": "TEST",
    "ID": "KİMLİK",
    "thoughts": "düşünceler",
    "how much to think before the answer; none switches it off": (
        "yanıttan önce ne kadar düşünülsün; none kapatır"
    ),
    "do not show thoughts, which stand dim on standard error of a terminal": (
        "düşünceleri gösterme; bir terminalde standart hataya soluk yazılırlar"
    ),
    "tools that the model may call: a JSON list as OpenAI has it; prints the calls": (
        "modelin çağırabileceği araçlar: OpenAI biçiminde bir JSON listesi; çağrıları yazdırır"
    ),
    "none, auto, required or the name of a tool (default: auto)": (
        "none, auto, required veya bir aracın adı (varsayılan: auto)"
    ),
    "CHOICE": "SEÇİM",
    "TOKEN": "TOKEN",
    "SECONDS": "SANİYE",
    "KEY": "ANAHTAR",
    "TEXT": "METİN",
    "DATA": "VERİ",
    "PATTERN": "KALIP",
    "PERCENT": "YÜZDE",
    "LIMITS": "SINIRLAR",
    "PROMPT": "İSTEM",
    "requests/s": "istek/sn",
    "requests": "istekler",
    "MEASURE": "ÖLÇÜ",
    "CHANGE": "DEĞİŞİM",
    "worse": "daha kötü",
    "{done} of {total} requests": "{done} / {total} istek",
    "{name}; /help shows the commands": "{name}; /help komutları gösterir",
    "stopped": "durduruldu",
    "stopped after {count} characters; the statistics come with the end of an answer": (
        "{count} karakterden sonra durduruldu; istatistikler yanıtın sonuyla gelir"
    ),
    "not ready yet: {state}": "henüz hazır değil: {state}",
    "nothing to verify: no model is cached": "denetlenecek bir şey yok: önbellekte model yok",
    "yes": "evet",
    "no": "hayır",
    "no such command: /{word}; see /help": "böyle bir komut yok: /{word}; bakınız /help",
    "{count} turn": "{count} mesaj",
    "{count} turns": "{count} mesaj",
    "{count} tok": "{count} token",
    "{rate} tok/s": "{rate} token/sn",
    "prompt {count}, {cached} cached": "istem {count}, önbellekten {cached}",
    "{turns} turns dropped, {tokens} tokens shifted out": (
        "{turns} mesaj çıkarıldı, {tokens} token kaydırıldı"
    ),
    "stopped after {count} character; the statistics come with the end of an answer": (
        "{count} karakterden sonra durduruldu; istatistikler yanıtın sonuyla gelir"
    ),
    "{name}: attached {count} character to the next message": (
        "{name}: sonraki mesaja {count} karakter eklendi"
    ),
    "HEALTHY": "SAĞLIKLI",
    "UNHEALTHY": "SAĞLIKSIZ",
    "LOADING": "YÜKLENİYOR",
    "DRAINING": "BOŞALTILIYOR",
    "READY": "HAZIR",
    "FAILED": "BAŞARISIZ",
    "STALLED": "TAKILDI",
    "RESTARTING": "YENİDEN BAŞLIYOR",
    "ALIVE": "ÇALIŞIYOR",
    "UNKNOWN": "BİLİNMİYOR",
    "no system prompt": "sistem istemi yok",
    "no answer yet": "henüz yanıt yok",
    "this list": "bu liste",
    "show or set the system prompt": "sistem istemini gösterir veya değiştirir",
    "server": "sunucu",
    "server URL (default: the server that is configured here, as serve reads it)": (
        "sunucunun adresi (varsayılan: burada yapılandırılmış sunucu, serve nasıl okursa)"
    ),
    "a TOML file with the settings of the server, see docs/settings.md": (
        "sunucunun ayarlarının olduğu TOML dosyası, bakınız docs/settings.md"
    ),
    "API key; safer in the variable LLM_LLAMA_SERVICE_API_KEY": (
        "API anahtarı; LLM_LLAMA_SERVICE_API_KEY değişkeninde daha güvenli"
    ),
    "admin key; safer in the variable LLM_LLAMA_SERVICE_ADMIN_KEY": (
        "yönetici anahtarı; LLM_LLAMA_SERVICE_ADMIN_KEY değişkeninde daha güvenli"
    ),
    "use gRPC at this address (health and wait check both); grpcs:// or --ca-file for TLS": (
        "bu adreste gRPC kullan (health ve wait ikisini de denetler); TLS için grpcs:// veya "
        "--ca-file"
    ),
    "read timeout in seconds (default: {value})": (
        "saniye olarak okuma zaman aşımı (varsayılan: {value})"
    ),
    "CA certificates to trust besides the system's": (
        "sistemdekilerin yanında güvenilecek CA sertifikaları"
    ),
    "client certificate, for mutual TLS": "karşılıklı TLS için istemci sertifikası",
    "private key of --cert-file": "--cert-file sertifikasının özel anahtarı",
    "context size in tokens; 0 for the length it was trained with (default: {value})": (
        "token olarak bağlam boyu; 0, eğitildiği uzunluktur (varsayılan: {value})"
    ),
    "CPU threads; 0 for one per CPU (default: 0)": (
        "işlemci iş parçacığı; 0, işlemci başına bir tane (varsayılan: 0)"
    ),
    "answer": "yanıt",
    "maximum number of tokens to generate (server default: 1024)": (
        "üretilecek en çok token (sunucuda varsayılan: 1024)"
    ),
    "sampling temperature; 0 is greedy (server default: 0.8)": (
        "örnekleme sıcaklığı; 0 her zaman en olası tokeni seçer (sunucuda varsayılan: 0.8)"
    ),
    "nucleus sampling probability (server default: 0.95)": (
        "çekirdek örnekleme (top-p) olasılığı (sunucuda varsayılan: 0.95)"
    ),
    "sample from the K likeliest tokens (server default: 40)": (
        "en olası K token arasından örnekle (sunucuda varsayılan: 40)"
    ),
    "the same seed gives the same text (default: random)": (
        "aynı tohum aynı metni verir (varsayılan: rastgele)"
    ),
    "stop before this text; repeatable": "bu metinden önce dur; yinelenebilir",
    "Print embeddings by a local model (-m) or a server.": (
        "Yerel bir modelle (-m) veya bir sunucuyla gömme vektörlerini yazar."
    ),
    "the texts; - reads standard input, one text per line": (
        "metinler; - standart girdiyi okur, her satırda bir metin"
    ),
    "this is the small built-in guide: it only answers questions about this service; for a real "
    "model: sentiric-llama serve ggml-org/gemma-3-1b-it-GGUF": (
        "bu, yerleşik küçük rehberdir: yalnız bu servisle ilgili soruları yanıtlar; gerçek bir "
        "model için: sentiric-llama serve ggml-org/gemma-3-1b-it-GGUF"
    ),
    "press Ctrl-C again to quit": "çıkmak için Ctrl-C'ye bir daha basın",
    "conversation cleared": "konuşma silindi",
    "nothing to regenerate": "yeniden üretilecek bir yanıt yok",
    "asking again: {text}": "yeniden soruluyor: {text}",
    "removed: {text}": "silindi: {text}",
    "shorten the prompt, or open the model with a larger --context-size": (
        "istemi kısaltın veya modeli daha büyük bir --context-size ile açın"
    ),
    "nothing to undo": "geri alınacak bir şey yok",
    "{name}: attached {count} characters to the next message": (
        "{name}: sonraki mesaja {count} karakter eklendi"
    ),
    "a message of several lines; so are pasted lines": (
        "çok satırlı mesaj; yapıştırılan satırlar da öyle"
    ),
    "stop the answer; twice at the prompt: quit": "yanıtı durdurur; istemde iki kez: çıkar",
    "attach a text file to the next message": "sonraki mesaja bir metin dosyası ekler",
    "temperature, max_tokens, ...; default resets": (
        "temperature, max_tokens, ...; default sıfırlar"
    ),
    "regenerate the last answer": "son yanıtı yeniden üretir",
    "remove the last message and its answer": "son mesajı ve yanıtını siler",
    "save the conversation to a new file": "konuşmayı yeni bir dosyaya kaydeder",
    "save it and replace the file": "kaydeder ve var olan dosyanın yerine koyar",
    "load a saved conversation": "kayıtlı bir konuşmayı yükler",
    "statistics of the last answer, or of each": "son yanıtın veya her yanıtın istatistikleri",
    "clear the conversation": "konuşmayı siler",
    "quit": "çıkar",
    "total number of requests": "toplam istek sayısı",
    "concurrent requests": "eşzamanlı istek",
    "open-loop mode: Poisson arrivals at this rate (requests/s)": (
        "açık döngü: bu hızda Poisson gelişleri (istek/sn)"
    ),
    "tokens per prompt": "istem başına token",
    "tokens per answer": "yanıt başına token",
    "tokens of a common prompt prefix": "istemlerin ortak başının tokenleri",
    "warm-up requests, which are not counted": "sayılmayan ısınma istekleri",
    "seed of prompts, arrivals and answers": "istemlerin, gelişlerin ve yanıtların tohumu",
    "latency targets for goodput, such as ttft=500ms,tpot=60ms": (
        "goodput için gecikme hedefleri, örneğin ttft=500ms,tpot=60ms"
    ),
    "write the result to this file as well": "sonucu bu dosyaya da yaz",
    "compare A B: compare two result files of --output": (
        "compare A B: --output ile yazılmış iki sonucu karşılaştır"
    ),
    "compare: maximum allowed regression in percent": (
        "compare: izin verilen en büyük gerileme, yüzde"
    ),
    "benchmark this model in this process: a path, org/repo[:QUANT] or guide": (
        "bu modeli bu süreçte ölç: bir yol, org/repo[:QUANT] veya guide"
    ),
    "load": "yük",
    "the prompt; - or a pipe appends standard input": (
        "istem metni; - veya boru standart girdiyi ekler"
    ),
    "attach a text file; repeatable": "bir metin dosyası ekle; yinelenebilir",
    "constrain the answer to the JSON schema in this file": (
        "yanıtı bu dosyadaki JSON şemasına uydur"
    ),
    "constrain the answer to a JSON object": "yanıtı bir JSON nesnesiyle sınırla",
    "constrain the answer to the GBNF grammar in this file": (
        "yanıtı bu dosyadaki GBNF dil bilgisine uydur"
    ),
    "print the answer only when it is complete": "yanıtı ancak tamamlanınca yaz",
    "print statistics to standard error": "istatistikleri standart hataya yaz",
    "the text; - reads standard input": "metin; - standart girdiyi okur",
    "compile the file": "dosyayı derle",
    "a JSON schema (*.json) or a grammar (*.gbnf); - reads standard input": (
        "bir JSON şeması (*.json) veya dil bilgisi (*.gbnf); - standart girdiyi okur"
    ),
    "what the file is, if its name does not tell; choice: a JSON list, or a text on each line": (
        "adından belli değilse dosyanın ne olduğu; choice: bir JSON listesi veya her satırda bir "
        "metin"
    ),
    "fail on unknown keywords and formats, which otherwise only get a note": (
        "bilinmeyen anahtar sözcük ve biçimlerde de başarısız ol; yoksa yalnız not düşülür"
    ),
    "print N random texts that it allows": "izin verdiği N rastgele metni yaz",
    "the same seed gives the same samples (default: 0)": (
        "aynı tohum aynı örnekleri verir (varsayılan: 0)"
    ),
    "check a text; every line of a *.jsonl file is one; - reads standard input": (
        "bir metni denetle; *.jsonl dosyasının her satırı bir metindir; - standart girdiyi okur"
    ),
    "every line of DATA is a text, whatever its name": (
        "VERİ'nin her satırı bir metindir, adı ne olursa olsun"
    ),
    "the grammar compiles": "dil bilgisi geçerli",
    "note: {text}": "not: {text}",
    "the notes fail the check (--strict)": "notlar nedeniyle denetim başarısız (--strict)",
    "accepted": "kabul edildi",
    "standard input": "standart girdi",
    "the end of the text": "metnin sonu",
    "line {line}, column {column}, after {before}: got {got}, allowed {allowed}": (
        "satır {line}, sütun {column}, {before} sonrasında: gelen {got}, izin verilen {allowed}"
    ),
    "constrain the answer to texts that this regular expression matches as a whole": (
        "yanıtı, bu düzenli ifadenin tümüyle eşleştiği metinlerle sınırla"
    ),
    "constrain the answer to this text; repeat for others": (
        "yanıtı bu metinle sınırla; başkaları için yineleyin"
    ),
    "the answer is unfinished: raise --max-tokens, or check --stop": (
        "yanıt yarım kaldı: --max-tokens değerini artırın veya --stop'u denetleyin"
    ),
    "one line per token, with its text": "token başına, metniyle bir satır",
    "print only the number of tokens": "yalnız token sayısını yaz",
    "cancel this many milliseconds after the first token (default: 1500)": (
        "ilk tokenden bu kadar milisaniye sonra iptal et (varsayılan: 1500)"
    ),
    "number of runs (default: 3)": "kaç kez (varsayılan: 3)",
    "free after {free} ms; next answer started after {ttft} ms with {cached} cached tokens": (
        "{free} ms sonra boş; sonraki yanıt {ttft} ms sonra başladı, {cached} token önbellekten"
    ),
    # Running servers
    "cache": "önbellek",
    "name of a profile": "bir profilin adı",
    "no profile is active": "etkin profil yok",
    "PROFILE": "PROFİL",
    "CATEGORY": "TÜR",
    "ACTIVE": "ETKİN",
    "loading the model": "model yükleniyor",
    "{free} of {total} contexts free": "{total} bağlamdan {free} boş",
    "ready": "hazır",
    "loading": "yükleniyor",
    "draining": "boşaltılıyor",
    "unreachable": "ulaşılamıyor",
    "state": "durum",
    "queue": "kuyruk",
    "prompt tokens/s": "istem tokeni/sn",
    "{endpoint} over {protocol}, {phase}, {tokens} tokens, {seconds} s": (
        "{protocol} üzerinden {endpoint}, {phase}, {tokens} token, {seconds} sn"
    ),
    "waiting": "bekliyor",
    "{count} more": "{count} tane daha",
    "check only that the process responds": "yalnız sürecin yanıt verdiğini denetle",
    "check that it accepts requests": "istek kabul ettiğini denetle",
    "refresh every second until Ctrl-C": "Ctrl-C'ye kadar her saniye yenile",
    "give up after this many seconds (default: 300)": (
        "bu kadar saniye sonra vazgeç (varsayılan: 300)"
    ),
    "polling interval in seconds (default: 1)": "saniye olarak sorma aralığı (varsayılan: 1)",
    "list all, show one, print the active one, or write an example profiles.json": (
        "hepsini listele, birini göster, etkin olanı yaz veya örnek bir profiles.json oluştur"
    ),
    "name of a profile (default: the active one)": "bir profilin adı (varsayılan: etkin olan)",
    "read this file instead of asking the server; init writes to it": (
        "sunucuya sormak yerine bu dosyayı oku; init buna yazar"
    ),
    "time to first token ms": "ilk token süresi ms",
    "time per token ms": "token başına ms",
    "queue ms": "kuyruk ms",
    "prefill ms": "istem işleme ms",
    "total ms": "toplam ms",
    "generated tokens/s": "üretilen token/sn",
    "prompt cache hits": "önbellekten gelen istem",
    "KV cells in use": "kullanılan KV hücresi",
    "KV cells caching prefixes": "istem başı tutan KV hücresi",
    "engine process": "motor süreci",
    "{pid}, {count} restart": "{pid}, {count} yeniden başlatma",
    "{pid}, {count} restarts": "{pid}, {count} yeniden başlatma",
    "evicted KV state in RAM": "RAM'e çıkarılan KV durumu",
    "preempted, evicted": "bekletilen, çıkarılan",
    "{resident}, {own} private": "{resident}, {own} özel",
    "{total} total, {ok} ok, {cancelled} cancelled, {error} failed": (
        "toplam {total}, {ok} başarılı, {cancelled} iptal, {error} hatalı"
    ),
    "downloading the model": "model indiriliyor",
    "no room for two models: finishing the requests of the old one": (
        "iki modele yer yok: eskisinin istekleri bitiriliyor"
    ),
    "the new model failed: restoring the old one": (
        "yeni model yüklenemedi: eskisi geri getiriliyor"
    ),
    "switched to {profile} in {seconds} s": "{seconds} sn içinde {profile} profiline geçildi",
    # Model files
    "{name}: {percent} % ({done} of {total} MiB)": "{name}: %{percent} ({done} / {total} MiB)",
    "{name}: {note}; trying again at {done} of {total} MiB": (
        "{name}: {note}; {done} / {total} MiB noktasından yeniden deneniyor"
    ),
    "{name}: complete, {note}": "{name}: tamam, {note}",
    "licence: {licence}": "lisans: {licence}",
    "removed {model}, {size} MiB": "{model} silindi, {size} MiB",
    "SIZE": "BOYUT",
    "STATE": "DURUM",
    "complete": "tam",
    "incomplete": "eksik",
    "damaged": "bozuk",
    "missing": "yok",
    "invalid": "geçersiz",
    "no checksum": "sağlama toplamı yok",
    "org/repo, org/repo:QUANT, org/repo/file.gguf or an https address": (
        "org/repo, org/repo:QUANT, org/repo/dosya.gguf veya bir https adresi"
    ),
    "branch, tag or commit of the repository": "deponun dalı, etiketi veya commit'i",
    "org/repo, org/repo:QUANT or org/repo/file.gguf": (
        "org/repo, org/repo:QUANT veya org/repo/dosya.gguf"
    ),
    "answering": "yanıtlıyor",
    "stalled": "takıldı",
    "expected SHA-256 of the file; repeat for each part of a split model": (
        "dosyanın beklenen SHA-256 değeri; parçalı modelde her parça için yineleyin"
    ),
    "a path, guide, or a cached model": "bir yol, guide veya önbellekteki bir model",
    "all keys of the file": "dosyanın bütün anahtarları",
    "cached models (default: all)": "önbellekteki modeller (varsayılan: hepsi)",
    "no cached models yet; download one with: {program} pull ggml-org/gemma-3-1b-it-GGUF": (
        "önbellekte henüz model yok; indirmek için: {program} pull ggml-org/gemma-3-1b-it-GGUF"
    ),
    "downloading {name}, {total} MiB, from {done} MiB on": (
        "{name} indiriliyor, {total} MiB, {done} MiB sonrasından"
    ),
    "{name}: waiting for another process that is downloading it": (
        "{name}: onu indiren başka bir süreç bekleniyor"
    ),
    "{name}: verifying the checksum": "{name}: sağlama toplamı doğrulanıyor",
}
