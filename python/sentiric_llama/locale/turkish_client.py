# SPDX-License-Identifier: AGPL-3.0-only
"""The Turkish texts of the verbs that fetch models and talk to servers."""

from __future__ import annotations

CATALOGUE = {
    "list the profiles that a server can be switched to": (
        "sunucunun geçebileceği profilleri listeler"
    ),
    "change the model of a running server": "çalışan bir sunucunun modelini değiştirir",
    "name of a profile": "bir profilin adı",
    "name of a profile; by default the active one": "bir profilin adı; varsayılan etkin olandır",
    "list all, show one, name the active one, or write an example profiles.json": (
        "hepsini listele, birini göster, etkin olanı söyle veya örnek bir profiles.json yaz"
    ),
    "read this file instead of asking the server; init writes it": (
        "sunucuya sormak yerine bu dosyayı oku; init onu yazar"
    ),
    "the server's admin key; better in the variable LLM_LLAMA_SERVICE_ADMIN_KEY": (
        "sunucunun yönetici anahtarı; LLM_LLAMA_SERVICE_ADMIN_KEY değişkeninde daha güvenli"
    ),
    "no profile is active": "etkin profil yok",
    "PROFILE": "PROFİL",
    "CATEGORY": "TÜR",
    "ACTIVE": "ETKİN",
    "fetching the model": "model indiriliyor",
    "loading the model": "model yükleniyor",
    "no room for two models, the old one ends its calls": (
        "iki modele yer yok, eskisi süren yanıtlarını bitiriyor"
    ),
    "the new model failed, the old one comes back": "yeni model olmadı, eskisi geri geliyor",
    "{profile} answers now, after {seconds} s": "artık {profile} yanıt veriyor, {seconds} sn sürdü",
    "ask there over gRPC; health and wait ask both. grpcs:// or --ca-file means TLS": (
        "gRPC ile oraya sorar; health ve wait ikisine de. grpcs:// veya --ca-file TLS demektir"
    ),
    "this client's certificate, for mutual TLS": "karşılıklı TLS için bu istemcinin sertifikası",
    "the private key of --cert-file": "--cert-file sertifikasının özel anahtarı",
    "measure how soon an answer stops": "bir yanıtın ne kadar çabuk durduğunu ölçer",
    "milliseconds after the first token": "ilk parçadan sonra geçen milisaniye",
    "number of times": "kaç kez",
    "passed": "başarılı",
    "failed": "başarısız",
    "the context was not free after {seconds} s": "bağlam {seconds} sn sonra boşalmadı",
    "free after {free} ms; next answer after {ttft} ms, {cached} tokens cached": (
        "{free} ms sonra boş; sonraki yanıt {ttft} ms sonra, {cached} parça önbellekten"
    ),
    "fetch a model and compare it with its checksum": (
        "bir modeli indirir ve sağlama toplamıyla karşılaştırır"
    ),
    "list the models of the cache": "önbellekteki modelleri listeler",
    "show what a model file says about itself": "bir model dosyasının kendi bilgilerini gösterir",
    "remove models from the cache": "modelleri önbellekten siler",
    "compare models of the cache with their checksums": (
        "önbellekteki modelleri sağlama toplamlarıyla karşılaştırır"
    ),
    "fetching {name}, {total} MiB, from {done} MiB on": (
        "{name} indiriliyor, {total} MiB, {done} MiB sonrasından"
    ),
    "{name}: {percent} % ({done} of {total} MiB)": "{name}: %{percent} ({done} / {total} MiB)",
    "{name}: {note}; trying again at {done} of {total} MiB": (
        "{name}: {note}; {done} / {total} MiB noktasından yeniden deneniyor"
    ),
    "{name}: another process is fetching it, waiting": (
        "{name}: başka bir süreç indiriyor, bekleniyor"
    ),
    "{name}: comparing with its checksum": "{name}: sağlama toplamıyla karşılaştırılıyor",
    "{name}: complete, {note}": "{name}: tamam, {note}",
    "licence: {licence}": "lisans: {licence}",
    "removed {model}, {size} MiB": "{model} silindi, {size} MiB",
    "no models here yet; fetch one with: {program} pull ggml-org/gemma-3-1b-it-GGUF": (
        "burada henüz model yok; indirmek için: {program} pull ggml-org/gemma-3-1b-it-GGUF"
    ),
    "MODEL": "MODEL",
    "SIZE": "BOYUT",
    "STATE": "DURUM",
    "FACT": "BİLGİ",
    "complete": "tam",
    "incomplete": "eksik",
    "ok": "tamam",
    "damaged": "bozuk",
    "missing": "yok",
    "invalid": "geçersiz",
    "no checksum": "sağlama toplamı yok",
    "org/repo, org/repo:QUANT, org/repo/file.gguf or an https address": (
        "org/repo, org/repo:QUANT, org/repo/dosya.gguf veya bir https adresi"
    ),
    "checksum that the file must have; once for each part of a split model": (
        "dosyanın sağlama toplamı; parçalı modelde her parça için bir kez"
    ),
    "branch, tag or commit of the repository": "deponun dalı, etiketi veya işlemesi",
    "a path, guide, or a model of the cache": "bir yol, guide veya önbellekteki bir model",
    "every key of the file": "dosyadaki her anahtar",
    "org/repo, org/repo:QUANT or org/repo/file.gguf": (
        "org/repo, org/repo:QUANT veya org/repo/dosya.gguf"
    ),
    "models of the cache; all without a name": "önbellekteki modeller; ad yoksa hepsi",
    "talk with a model on the terminal": "terminalde bir modelle konuşur",
    "print the answer to one prompt": "tek bir istemin yanıtını yazar",
    "show the tokens of a text": "bir metnin tokenlerini gösterir",
    "print vectors of texts": "metinlerin vektörlerini yazar",
    "measure a running server, or the engine without one": (
        "çalışan bir sunucuyu veya sunucusuz motoru ölçer"
    ),
    "measure the engine in this process with this model: a path, org/repo[:QUANT] or guide": (
        "bu süreçteki motoru bu modelle ölçer: bir yol, org/repo[:QUANT] veya guide"
    ),
    "a TOML file with settings of the engine; variables count, too": (
        "motorun ayarlarını içeren TOML dosyası; ortam değişkenleri de geçerlidir"
    ),
    "tokens of a context; 0 is what the model was trained with": (
        "bağlam başına token; 0, modelin eğitildiği uzunluktur"
    ),
    "show what a running server does": "çalışan bir sunucunun ne yaptığını gösterir",
    "ask whether a server is well; the exit code is the answer": (
        "sunucu iyi mi diye sorar; çıkış kodu yanıttır"
    ),
    "wait until a server is ready": "sunucu hazır olana kadar bekler",
    "the server": "sunucu",
    "address of the server; by default what HOST and HTTP_PORT say": (
        "sunucunun adresi; varsayılan HOST ve HTTP_PORT ne diyorsa o"
    ),
    "the server's key; better in the variable LLM_LLAMA_SERVICE_API_KEY": (
        "sunucunun anahtarı; LLM_LLAMA_SERVICE_API_KEY değişkeninde daha güvenli"
    ),
    "certificates to trust beside the system's": "sistemdekilerin yanında güvenilecek sertifikalar",
    "longest silence in seconds": "saniye olarak en uzun sessizlik",
    "the answer": "yanıt",
    "without a server": "sunucu olmadan",
    "load this model here: a path, org/repo[:QUANT] or guide": (
        "bu modeli burada yükle: bir yol, org/repo[:QUANT] veya guide"
    ),
    "tokens of its context; 0 is what it was trained with": (
        "bağlamının token sayısı; 0 eğitildiği değerdir"
    ),
    "CPU threads; 0 is one for each core": "işlemci iş parçacıkları; 0 her çekirdek için birdir",
    "system prompt": "sistem istemi",
    "most tokens of an answer": "bir yanıtın en çok token sayısı",
    "randomness; 0 is none": "rastgelelik; 0 hiç",
    "share of the likeliest tokens": "en olası tokenlerin payı",
    "number of the likeliest tokens": "en olası tokenlerin sayısı",
    "the same seed gives the same text": "aynı tohum aynı metni verir",
    "end the answer before this text; may be repeated": (
        "yanıtı bu metinden önce bitir; yinelenebilir"
    ),
    "words of the prompt; - or a pipe: standard input is added": (
        "istemin sözleri; - veya boru: standart girdi eklenir"
    ),
    "a text file that goes with it; may be repeated": "birlikte giden metin dosyası; yinelenebilir",
    "a file with the JSON schema of the answer": "yanıtın JSON şemasının dosyası",
    "a file with the GBNF grammar of the answer": "yanıtın GBNF dilbilgisinin dosyası",
    "answer with a JSON object": "bir JSON nesnesiyle yanıtla",
    "show the answer when it is complete": "yanıtı tamamlanınca göster",
    "numbers on standard error": "sayılar standart hataya",
    "the text; - is standard input": "metin; - standart girdidir",
    "a line for each token with its text": "her token için metniyle bir satır",
    "only how many": "yalnız kaç tane",
    "TOKEN": "TOKEN",
    "the texts; - is standard input, a text in each line": (
        "metinler; - standart girdidir, her satırda bir metin"
    ),
    "again each second, until Ctrl-C": "Ctrl-C'ye kadar her saniye yeniden",
    "ask whether it is alive": "yaşıyor mu diye sor",
    "ask whether it takes work": "iş alıyor mu diye sor",
    "give up after so many seconds": "bu kadar saniye sonra vazgeç",
    "seconds between two questions": "iki soru arasındaki saniye",
    "compare A B: two files that --output wrote": "compare A B: --output ile yazılmış iki dosya",
    "of compare: worst change that is allowed, in percent": (
        "compare için: izin verilen en kötü değişim, yüzde"
    ),
    # Names of values
    "SECONDS": "SANİYE",
    "KEY": "ANAHTAR",
    "TEXT": "METİN",
    "PERCENT": "YÜZDE",
    "LIMITS": "SINIRLAR",
    "NAME": "AD",
    "FOLDER": "KLASÖR",
    "PROMPT": "İSTEM",
    "the load": "yük",
    "requests in all": "toplam istek",
    "requests in flight at the same time": "aynı anda süren istek",
    "instead: requests per second, arriving at random": (
        "bunun yerine: rastgele gelen, saniyedeki istek"
    ),
    "tokens of a prompt": "bir istemin tokenleri",
    "tokens of an answer": "bir yanıtın tokenleri",
    "tokens that all prompts begin with": "bütün istemlerin başındaki ortak tokenler",
    "requests before the measurement": "ölçümden önceki istekler",
    "of prompts, arrivals and answers": "istemlerin, gelişlerin ve yanıtların tohumu",
    "limits that a good request keeps, such as ttft=500ms,tpot=60ms": (
        "iyi bir isteğin sınırları, örneğin ttft=500ms,tpot=60ms"
    ),
    "write the measurement to this file, too": "ölçümü bu dosyaya da yaz",
    "{free} of {total} contexts free": "{total} bağlamdan {free} boş",
    "ready": "hazır",
    "loading": "yükleniyor",
    "draining": "boşaltılıyor",
    "unreachable": "ulaşılamıyor",
    "model": "model",
    "state": "durum",
    "contexts": "bağlamlar",
    "queue": "kuyruk",
    "prompt tokens/s": "istem tokeni/sn",
    "answer tokens/s": "yanıt tokeni/sn",
    "requests/s": "istek/sn",
    "first token ms": "ilk token ms",
    "each token ms": "her token ms",
    "in the queue ms": "kuyrukta ms",
    "on the prompt ms": "istemde ms",
    "whole answer ms": "bütün yanıt ms",
    "prompt from cache": "önbellekten istem",
    "cells in use": "kullanılan hücre",
    "cells that keep prefixes": "istem başı tutan hücre",
    "prefixes in RAM": "RAM'deki istem başları",
    "parked, evicted": "bekletilen, atılan",
    "{resident}, {own} its own": "{resident}, {own} kendine ait",
    "{endpoint} over {protocol}, {phase}, {tokens} tokens, {seconds} s": (
        "{protocol} üzerinden {endpoint}, {phase}, {tokens} token, {seconds} sn"
    ),
    "waiting": "bekliyor",
    "answering": "yanıtlıyor",
    "{count} more": "{count} tane daha",
    "stalled": "takıldı",
    "requests": "istekler",
    "{total} in all, {ok} good, {cancelled} cancelled, {error} failed": (
        "toplam {total}, {ok} iyi, {cancelled} iptal, {error} hatalı"
    ),
    "MEASURE": "ÖLÇÜ",
    "CHANGE": "DEĞİŞİM",
    "worse": "daha kötü",
    "{done} of {total} requests": "{done} / {total} istek",
    "{name}; /help shows the commands": "{name}; /help komutları gösterir",
    "stopped": "durduruldu",
    "once more leaves": "bir daha basarsanız çıkılır",
    "no such command: /{word}; see /help": "böyle bir komut yok: /{word}; bakınız /help",
    "{name}: {count} characters go with it": "{name}: {count} karakter birlikte gidecek",
    "{count} turns": "{count} mesaj",
    "forgotten": "unutuldu",
    "no system prompt": "sistem istemi yok",
    "nothing to answer again": "yeniden yanıtlanacak bir şey yok",
    "nothing to take back": "geri alınacak bir şey yok",
    "no answer yet": "henüz yanıt yok",
    "default": "varsayılan",
    "a message of several lines": "çok satırlı mesaj",
    "stop the answer; twice at the prompt: leave": "yanıtı durdurur; istemde iki kez: çıkar",
    "this list": "bu liste",
    "show or set the system prompt": "sistem istemini gösterir veya değiştirir",
    "send a text file with the next message": "sonraki mesajla bir metin dosyası gönderir",
    "temperature, max_tokens and the like": "temperature, max_tokens ve benzerleri",
    "answer the last message again": "son mesajı yeniden yanıtlar",
    "take the last message and its answer back": "son mesajı ve yanıtını geri alır",
    "write the conversation to a file": "konuşmayı bir dosyaya yazar",
    "go on with a saved conversation": "kayıtlı bir konuşmayı sürdürür",
    "numbers of the last answer": "son yanıtın sayıları",
    "forget the conversation": "konuşmayı unutur",
    "leave": "çıkar",
}
