# SPDX-License-Identifier: AGPL-3.0-only
"""The Turkish texts of the settings: what the help of `serve`, `plan` and `config` says."""

from __future__ import annotations

CATALOGUE = {
    # Sections
    "Network": "Ağ",
    "Authentication": "Kimlik doğrulama",
    "TLS": "TLS",
    "Model": "Model",
    "Engine": "Motor",
    "Requests": "İstekler",
    "Observability and lifecycle": "İzleme ve yaşam döngüsü",
    # Kinds and units
    "an integer": "bir tam sayı",
    "a number": "bir sayı",
    "text": "metin",
    "above": ">",
    "bytes, or 8MB, 8MiB": "bayt, veya 8MB, 8MiB",
    "milliseconds, or 500ms, 30s, 5m": "milisaniye, veya 500ms, 30s, 5m",
    "seconds, or 500ms, 30s, 5m": "saniye, veya 500ms, 30s, 5m",
    "tokens, or 8k = 8192": "token, veya 8k = 8192",
    # Network
    "address to listen on; 0.0.0.0 for all interfaces": (
        "dinlenecek adres; bütün arayüzler için 0.0.0.0"
    ),
    "HTTP port; 0 picks a free one": "HTTP portu; 0 boş bir port seçer",
    "gRPC port; 0 picks a free one": "gRPC portu; 0 boş bir port seçer",
    "concurrent calls per gRPC connection": "bir gRPC bağlantısında eşzamanlı çağrı sayısı",
    "open HTTP connections, and concurrent gRPC calls": (
        "açık HTTP bağlantısı ve eşzamanlı gRPC çağrısı sayısı"
    ),
    "maximum size of a request body": "bir istek gövdesinin en büyük boyutu",
    "host names accepted besides localhost and the bound address, comma-separated; "
    "*.example.com matches every subdomain, * any host": (
        "localhost ve dinlenen adres dışında kabul edilen makine adları, virgülle ayrılır; "
        "*.example.com bütün alt alan adları, * hepsi"
    ),
    "origins of web pages that may call the API (CORS), comma-separated": (
        "API'yi çağırabilecek web sayfalarının kökenleri (CORS), virgülle ayrılır"
    ),
    "directory of text files that are served under /context/; empty for none": (
        "/context/ altında sunulan metin dosyalarının klasörü; boşsa sunulmaz"
    ),
    # Authentication
    "API key that callers must send": "çağıranların göndermesi gereken API anahtarı",
    "more keys, one per line: NAME:ROLE:KEY; the roles are user, metrics and admin, "
    "+realtime grants that priority class, @TENANT binds the key to a tenant": (
        "başka anahtarlar, her satırda AD:ROL:ANAHTAR; roller user, metrics ve admin; "
        "+realtime o öncelik sınıfının hakkını verir, @KİRACI anahtarı bir kiracıya bağlar"
    ),
    "key with the admin role, needed to switch models; on its own it does not protect the rest "
    "of the API": (
        "model değiştirmek için gereken, admin rolündeki anahtar; tek başına API'nin geri "
        "kalanını korumaz"
    ),
    "JSON file of keys, each with roles and limits of its own and kept as a hash; "
    "`sentiric-llama key` writes it, and a change takes effect without a restart": (
        "anahtarların JSON dosyası; her anahtarın rolleri ve sınırları kendine aittir, dosyada "
        "yalnızca özeti durur; `sentiric-llama key` yazar, değişiklik yeniden başlatmadan geçerli "
        "olur"
    ),
    "seconds between checks for a changed file of keys": (
        "anahtar dosyasının değişip değişmediğine bakma aralığı (saniye)"
    ),
    "refuse requests without x-tenant-id": "x-tenant-id taşımayan istekleri reddet",
    "who shares cached prefixes: callers with the same key as soon as there are several keys "
    "(auto), all callers, or callers of the same bound tenant": (
        "önbellekteki istem başlarını kim paylaşır: birden çok anahtar varsa aynı anahtarı "
        "kullananlar (auto), bütün çağıranlar (shared) veya aynı kiracıya bağlı olanlar (tenant)"
    ),
    # TLS
    "PEM file of the CA that signs client certificates; gRPC then requires one": (
        "istemci sertifikalarını imzalayan CA'nın PEM dosyası; gRPC o zaman sertifika ister"
    ),
    "PEM file of the server's certificate chain": "sunucunun sertifika zincirinin PEM dosyası",
    "PEM file of the certificate's private key": "sertifikanın özel anahtarının PEM dosyası",
    "HTTPS for the API and the metrics: with a self-signed certificate (auto), with CERT_PATH "
    "(cert), or with CERT_PATH and client certificates (mtls)": (
        "API ve metrikler için HTTPS: kendinden imzalı sertifikayla (auto), CERT_PATH ile (cert) "
        "veya CERT_PATH ve istemci sertifikalarıyla (mtls)"
    ),
    "names in client certificates that may call, comma-separated; empty allows all": (
        "çağırabilecek istemci sertifikalarındaki adlar, virgülle ayrılır; boşsa hepsi"
    ),
    "directory of the self-signed certificate": "kendinden imzalı sertifikanın klasörü",
    "seconds between checks for renewed certificate files": (
        "yenilenmiş sertifika dosyaları için denetimler arasındaki saniye"
    ),
    "allow gRPC without client certificates when ENV=production": (
        "ENV=production iken istemci sertifikası olmadan gRPC'ye izin ver"
    ),
    # Model
    "Hugging Face repository (org/repo, org/repo:QUANT), a path, or guide": (
        "Hugging Face deposu (org/repo, org/repo:QUANT), bir yol veya guide"
    ),
    "file in the repository; without MODEL_ID, a file in MODEL_DIR": (
        "depodaki dosya; MODEL_ID yoksa MODEL_DIR içindeki dosya"
    ),
    "SHA-256 of the model file; one per part of a split model, comma-separated": (
        "model dosyasının SHA-256 değeri; parçalı modelde her parça için bir tane, virgülle ayrılır"
    ),
    "path of a GGUF file; takes precedence over MODEL_ID": (
        "bir GGUF dosyasının yolu; MODEL_ID'den önce gelir"
    ),
    "directory searched first for model files": "model dosyalarının önce arandığı klasör",
    "directory of LoRA adapters that requests may select": (
        "isteklerin seçebileceği LoRA uyarlayıcılarının klasörü"
    ),
    "LoRA adapters kept in memory": "bellekte tutulan LoRA uyarlayıcısı sayısı",
    "names the model answers to, comma-separated; the first one is shown, * is any name": (
        "modelin yanıt verdiği adlar, virgülle ayrılır; ilki gösterilir, * herhangi bir addır"
    ),
    "profile in profiles.json; empty for its active one": (
        "profiles.json içindeki profil; boşsa etkin olanı"
    ),
    "path of profiles.json; empty searches the working directory and MODEL_DIR": (
        "profiles.json dosyasının yolu; boşsa çalışma klasöründe ve MODEL_DIR içinde aranır"
    ),
    # Engine
    "run the engine in a process of its own, so that a crash does not stop the server, or inside "
    "the server": "motor, çökmesi sunucuyu durdurmasın diye kendi sürecinde mi sunucuda mı çalışır",
    "requests that run concurrently (slots)": "eşzamanlı çalışan istek sayısı (slot)",
    "tokens per context; 0 for the length the model was trained with": (
        "bağlam başına token; 0, modelin eğitildiği uzunluktur"
    ),
    "CPU threads; 0 for one per CPU that the process may use": (
        "işlemci iş parçacığı; 0, sürecin kullanabildiği her işlemci için bir tane"
    ),
    "CPU threads for prompts; 0 for COMPUTE_THREADS": (
        "istemler için işlemci iş parçacığı; 0, COMPUTE_THREADS kadar"
    ),
    "when the memory is too small: refuse to start, shrink the configuration (auto), or try it "
    "all the same (off)": (
        "bellek yetmezse: başlamayı reddet (refuse), yapılandırmayı küçült (auto) veya yine de "
        "dene (off)"
    ),
    "layers on the GPU; -1 for all": "GPU'daki katman sayısı; -1 hepsi",
    "map the model file into memory": "model dosyasını belleğe eşle",
    "keep the KV cache on the GPU": "KV önbelleğini GPU'da tut",
    "maximum number of tokens per decode call": "bir decode çağrısındaki en çok token",
    "tokens computed at once": "bir kerede hesaplanan token",
    "prompt tokens per step while other requests decode; 0 for automatic": (
        "başka istekler yanıt üretirken adım başına istem tokeni; 0 otomatik"
    ),
    "flash attention; auto is on with a GPU": "flash attention; auto, GPU varsa açıktır",
    "one KV buffer for all contexts, or one per context": (
        "bütün bağlamlara tek KV tamponu veya bağlam başına bir tane"
    ),
    "data type of the K cache": "K önbelleğinin veri türü",
    "data type of the V cache; quantized types need flash attention": (
        "V önbelleğinin veri türü; nicemlenmiş türler flash attention ister"
    ),
    "minimum interval between stream events; the first and the last are sent immediately": (
        "akış olayları arasındaki en kısa süre; ilki ve sonuncusu hemen gönderilir"
    ),
    "target inter-token latency while prompts are processed; -1 for 200 ms, on a GPU 50 ms, "
    "0 for none": (
        "istemler işlenirken tokenler arası hedef gecikme; -1: 200 ms, GPU'da 50 ms; 0: yok"
    ),
    "tokens in a unified KV cache; 0 for all contexts in full": (
        "ortak KV önbelleğindeki token; 0, bütün bağlamların tamamı"
    ),
    "compute shared prompt prefixes only once": "istemlerin ortak başını yalnız bir kez hesapla",
    "RAM for evicted KV state; -1 for automatic, 0 for none": (
        "önbellekten çıkarılan KV durumu için RAM; -1 otomatik, 0 hiç"
    ),
    "directory for prefix KV state that survives restarts": (
        "yeniden başlatmadan sonra da kalan istem başı KV durumlarının klasörü"
    ),
    "maximum size of the disk cache; 0 for none": "disk önbelleğinin en büyük boyutu; 0 hiç",
    "speculative decoding by n-gram lookup (ngram) or by DRAFT_MODEL (draft); auto enables it on "
    "GPUs and wherever it cannot change the output": (
        "spekülatif üretim: n-gram ile (ngram) veya DRAFT_MODEL ile (draft); auto, GPU'da ve "
        "çıktıyı değiştiremeyeceği yerde açar"
    ),
    "smaller model with the same vocabulary for speculative decoding, named like MODEL_ID": (
        "spekülatif üretim için aynı sözlüğe sahip daha küçük model; MODEL_ID gibi adlandırılır"
    ),
    "layers of the draft model on the GPU; -1 for all": (
        "taslak modelin GPU'daki katman sayısı; -1 hepsi"
    ),
    "bit-exact output regardless of load; reuses less of the prefix cache and disables "
    "speculation": (
        "yük ne olursa olsun bit bit aynı çıktı; istem başı önbelleğini daha az kullanır ve "
        "spekülasyonu kapatır"
    ),
    "emit text that a grammar forces without sampling it": (
        "dilbilgisinin zorunlu kıldığı metni örneklemeden yaz"
    ),
    "maximum number of queued prompt tokens; 0 for no limit": (
        "kuyruktaki en çok istem tokeni; 0 sınırsız"
    ),
    "maximum number of queued requests; 0 for 16 per context": (
        "kuyruktaki en çok istek; 0, bağlam başına 16"
    ),
    "how long a request keeps its context while its client reads nothing; then the request fails; "
    "0 for no limit. HTTP and gRPC also end a request whose client takes no byte for 30 s": (
        "istemcisi hiçbir şey okumayan bir isteğin bağlamını ne kadar tuttuğu; sonra istek hatayla "
        "biter; 0 sınırsız. HTTP ve gRPC, istemcisi 30 s boyunca tek bayt almayan isteği de bitirir"
    ),
    "maximum time in the queue; 0 for no limit": "kuyruktaki en uzun süre; 0 sınırsız",
    # Requests
    "maximum time of a request; 0 for no limit": "bir isteğin en uzun süresi; 0 sınırsız",
    "refuse unknown request fields": "bilinmeyen istek alanlarını reddet",
    "maximum number of tokens to generate": "üretilecek en çok token",
    "temperature for requests that do not set it": "belirtmeyen isteklerin temperature değeri",
    "top_k for requests that do not set it": "belirtmeyen isteklerin top_k değeri",
    "top_p for requests that do not set it": "belirtmeyen isteklerin top_p değeri",
    "min_p for requests that do not set it": "belirtmeyen isteklerin min_p değeri",
    "repeat_penalty for requests that do not set it": (
        "belirtmeyen isteklerin repeat_penalty değeri"
    ),
    "system prompt for chats without one": "sistem istemi olmayan sohbetler için sistem istemi",
    "template for rag_context, with {{rag_context}} and {{user_prompt}}": (
        "rag_context şablonu; içinde {{rag_context}} ve {{user_prompt}} bulunur"
    ),
    "move or drop dates and the like that agents write near the beginning, so that their sessions "
    "share a prefix": (
        "aracıların başa yakın yazdığı tarih gibi şeyleri taşı ya da çıkar ki oturumları bir öneki "
        "paylaşsın"
    ),
    "end an answer (finish_reason repetition) after this many tokens of repeated text; "
    "0 for never": (
        "kendini yineleyen bir metnin kaç tokenden sonra yanıtı finish_reason repetition ile "
        "bitireceği; 0: hiçbir zaman"
    ),
    "instruction added to the system prompt for reasoning_effort low; empty for none": (
        "reasoning_effort low iken sistem istemine eklenen yönerge; boşsa eklenmez"
    ),
    "the same for reasoning_effort high": "reasoning_effort high için aynısı",
    "how to shorten a conversation that exceeds the context": (
        "bağlamı aşan bir konuşmanın nasıl kısaltılacağı"
    ),
    # Observability and lifecycle
    "port of Prometheus metrics; 0 picks a free one": (
        "Prometheus metriklerinin portu; 0 boş bir port seçer"
    ),
    "serve Prometheus metrics": "Prometheus metriklerini sun",
    "bearer token that scrapers must send": "metrikleri okuyanların göndermesi gereken anahtar",
    "minimum severity of log lines": "günlük satırlarının en düşük önem düzeyi",
    "form of log lines; auto is text on a terminal and JSON elsewhere": (
        "günlük satırlarının biçimi; auto, terminalde metin, başka yerde JSON demektir"
    ),
    "write prompts and answers to the log; they contain what people said": (
        "istemleri ve yanıtları günlüğe yaz; insanların söylediklerini içerirler"
    ),
    "production refuses to start with a public address and no API key, or with gRPC open to "
    "clients without a certificate": (
        "production, API anahtarı olmayan herkese açık bir adresle veya sertifikasız istemcilere "
        "açık gRPC ile başlamayı reddeder"
    ),
    "decode one token before reporting ready": "hazır olduğunu bildirmeden önce bir token üret",
    "seconds after SIGTERM during which late requests are still accepted": (
        "SIGTERM sonrasında geç isteklerin hâlâ alındığı saniye"
    ),
    "seconds that running requests get to finish at shutdown": (
        "kapanışta, süren isteklere bitmeleri için tanınan saniye"
    ),
    "seconds with work but without a finished step after which the engine process is replaced, or "
    "the service not ready if it has none; 0 for never": (
        "iş varken hiçbir adım bitmeden geçen kaç saniyeden sonra motor süreci yenilenir, ya da "
        "motor süreci yoksa servis hazır sayılmaz; 0 hiçbir zaman"
    ),
}
