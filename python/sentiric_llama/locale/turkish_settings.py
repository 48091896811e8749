# SPDX-License-Identifier: AGPL-3.0-only
"""The Turkish texts of the settings: what the help of `serve`, `plan` and `config` says."""

from __future__ import annotations

CATALOGUE = {
    # Sections
    "where it listens": "nerede dinler",
    "who may call": "kim çağırabilir",
    "the model": "model",
    "the engine": "motor",
    "what a request gets when it does not say": "istek belirtmezse ne alır",
    "what it tells, and how it starts and stops": "ne bildirir, nasıl başlar ve durur",
    # Kinds and units
    "an integer": "bir tam sayı",
    "a number": "bir sayı",
    "text": "metin",
    "above": ">",
    "bytes, or 8MB, 8MiB": "bayt, veya 8MB, 8MiB",
    "milliseconds, or 500ms, 30s, 5m": "milisaniye, veya 500ms, 30s, 5m",
    "seconds, or 500ms, 30s, 5m": "saniye, veya 500ms, 30s, 5m",
    "tokens, or 8k = 8192": "token, veya 8k = 8192",
    # Where it listens
    "address to listen on; 0.0.0.0 is every interface": (
        "dinlenecek adres; 0.0.0.0 bütün arayüzlerdir"
    ),
    "HTTP port; 0 takes a free one": "HTTP portu; 0 boş bir port alır",
    "gRPC port; 0 takes a free one": "gRPC portu; 0 boş bir port alır",
    "calls at the same time on one gRPC connection": "bir gRPC bağlantısında aynı andaki çağrı",
    "open HTTP connections, and as many gRPC calls": (
        "açık HTTP bağlantısı ve bir o kadar gRPC çağrısı"
    ),
    "largest request body in bytes": "bayt olarak en büyük istek gövdesi",
    "host names that requests may use beside localhost and the bound address, "
    "separated by commas; *.example.com is every name below, * any": (
        "isteklerin localhost ve dinlenen adres dışında kullanabileceği makine adları, virgülle "
        "ayrılır; *.example.com altındaki her addır, * hepsi"
    ),
    "origins of web pages that may call the API, separated by commas": (
        "API'yi çağırabilecek web sayfalarının kökenleri, virgülle ayrılır"
    ),
    "seconds that running answers get to finish at shutdown": (
        "kapanışta süren yanıtlara bitmeleri için tanınan saniye"
    ),
    # Who may call
    "key that callers must send": "çağıranların göndermesi gereken anahtar",
    "more keys, one a line, NAME:ROLE:KEY; a role is user, metrics or admin, "
    "+realtime adds the right to that class, @TENANT binds it to a tenant": (
        "başka anahtarlar, her satırda AD:ROL:ANAHTAR; roller user, metrics ve admin; "
        "+realtime o sınıfın hakkını ekler, @KİRACI anahtarı bir kiracıya bağlar"
    ),
    "key with the role admin, which may switch models; alone it locks nothing else": (
        "admin rolündeki anahtar, model değiştirebilir; tek başına başka bir şeyi kilitlemez"
    ),
    "refuse requests without x-tenant-id": "x-tenant-id taşımayan istekleri reddet",
    "refuse unknown request fields": "bilinmeyen istek alanlarını reddet",
    '"production" refuses a public address without an API key': (
        '"production", API anahtarı olmadan herkese açık adresi reddeder'
    ),
    "least severe log line shown": "gösterilen en önemsiz günlük düzeyi",
    # Certificates
    "PEM file of the CA whose clients may call over gRPC": (
        "istemcileri gRPC ile çağırabilen CA'nın PEM dosyası"
    ),
    "PEM file of the server's certificate chain": "sunucunun sertifika zincirinin PEM dosyası",
    "PEM file of the certificate's private key": "sertifikanın özel anahtarının PEM dosyası",
    "HTTPS, metrics too: with a self-signed certificate, CERT_PATH, or asking clients": (
        "HTTPS ve ölçümler: kendinden imzalı sertifikayla, CERT_PATH ile veya istemciden isteyerek"
    ),
    "names in client certificates that may call, separated by commas; all": (
        "çağırabilecek istemci sertifikalarındaki adlar, virgülle ayrılır; boşsa hepsi"
    ),
    "folder that keeps the self-signed certificate": "kendinden imzalı sertifikanın klasörü",
    "seconds between looks at the certificate files": (
        "sertifika dosyalarına iki bakış arasındaki saniye"
    ),
    "allow gRPC without client certificates with ENV=production": (
        "ENV=production iken istemci sertifikası olmadan gRPC'ye izin ver"
    ),
    # The model
    "Hugging Face repo (org/repo, org/repo:QUANT), a path, or guide": (
        "Hugging Face deposu (org/repo, org/repo:QUANT), bir yol veya guide"
    ),
    "file inside the repo, or in MODEL_DIR alone": (
        "deponun içindeki dosya veya yalnız MODEL_DIR klasöründeki dosya"
    ),
    "checksum of the model file, one for each part, separated by commas": (
        "model dosyasının sağlama toplamı, her parça için bir tane, virgülle ayrılır"
    ),
    "path of a GGUF file; wins over MODEL_ID": "bir GGUF dosyasının yolu; MODEL_ID'den önce gelir",
    "folder searched for model files first": "model dosyaları için önce bakılan klasör",
    "folder of LoRA adapters that requests may name": (
        "isteklerin adıyla seçebileceği LoRA uyarlayıcılarının klasörü"
    ),
    "LoRA adapters kept in memory": "bellekte tutulan LoRA uyarlayıcısı",
    "names the model answers to, separated by commas; the first is shown": (
        "modelin yanıt verdiği adlar, virgülle ayrılır; ilki gösterilir"
    ),
    "profile of profiles.json; empty is its active one": (
        "profiles.json içindeki profil; boşsa etkin olanı"
    ),
    "path of profiles.json; empty looks in the working folder and MODEL_DIR": (
        "profiles.json yolu; boşsa çalışma klasörüne ve MODEL_DIR'e bakılır"
    ),
    # The engine
    "requests that run at the same time": "aynı anda çalışan istek sayısı",
    "tokens per context; 0 is what the model was trained with": (
        "bağlam başına token; 0, modelin eğitildiği uzunluktur"
    ),
    "CPU threads; 0 is one for each CPU the process may use": (
        "işlemci iş parçacığı; 0, sürecin kullanabildiği her işlemci için birdir"
    ),
    "CPU threads for prompts; 0 is COMPUTE_THREADS": (
        "istemler için işlemci iş parçacığı; 0, COMPUTE_THREADS demektir"
    ),
    "a configuration that cannot fit the memory is refused, made smaller, or tried": (
        "belleğe sığmayacak bir yapılandırma reddedilir, küçültülür veya denenir"
    ),
    "layers on the GPU; -1 is all": "GPU'daki katmanlar; -1 hepsi",
    "map the model file instead of reading it": "model dosyasını okumak yerine belleğe eşle",
    "keep the KV cache on the GPU": "KV önbelleğini GPU'da tut",
    "tokens handed to one decode call": "bir decode çağrısına verilen token",
    "tokens computed at once": "bir kerede hesaplanan token",
    "prompt tokens per step while others decode; 0 is automatic": (
        "başkaları yanıt üretirken adım başına istem tokeni; 0 otomatik"
    ),
    "ms between two events of a stream, at least; its first and last never wait": (
        "bir akışın iki olayı arasında en az ms; ilki ve sonuncusu hiç beklemez"
    ),
    "flash attention": "flash attention",
    "one KV buffer for all contexts, or one each": (
        "bütün bağlamlara tek KV tamponu veya her birine bir tane"
    ),
    "number format of cached keys": "önbellekteki K değerlerinin sayı biçimi",
    "number format of cached values": "önbellekteki V değerlerinin sayı biçimi",
    "longest step in ms while streams run; -1 is 200, on a GPU 50; 0 is off": (
        "akışlar sürerken en uzun adım, ms; -1: 200, GPU'da 50; 0: kapalı"
    ),
    "tokens in a unified KV cache; 0 is all contexts in full": (
        "ortak KV önbelleğindeki token; 0, bütün bağlamların tamamıdır"
    ),
    "compute a common prefix of prompts once": "istemlerin ortak başını bir kez hesapla",
    "memory for KV states that left the cache; -1 is automatic, 0 is none": (
        "önbellekten çıkan KV durumları için bellek; -1 otomatik, 0 hiç"
    ),
    "folder that keeps system prompts and documents computed over a restart": (
        "sistem istemlerini ve belgeleri yeniden başlatmada hesaplanmış tutan klasör"
    ),
    "size of the disk cache at most; 0 is none": "disk önbelleğinin en büyük boyutu; 0 hiç",
    "who shares prefixes: the callers of one key as soon as there are several "
    "(auto), all callers, or each tenant that a key is bound to": (
        "ortak başları kim paylaşır: birden çok anahtar varsa bir anahtarın çağıranları (auto), "
        "bütün çağıranlar veya anahtarın bağlı olduğu her kiracı kendi içinde"
    ),
    "smaller model with the same vocabulary that guesses, as SPECULATION allows, "
    "named like MODEL_ID": (
        "SPECULATION izin verdikçe aynı sözlükle tahmin yürüten daha küçük model; "
        "MODEL_ID gibi adlandırılır"
    ),
    "layers of the draft model on the GPU; -1 is all": (
        "taslak modelin GPU'daki katmanları; -1 hepsi"
    ),
    "guess tokens from earlier text (ngram) or by DRAFT_MODEL (draft), also where that may "
    "change a text; auto: where it changes no bit, and on a GPU": (
        "önceki metinden (ngram) veya DRAFT_MODEL ile (draft) token tahmin et, metni "
        "değiştirebileceği yerde de; auto: hiçbir biti değiştirmediği yerde ve GPU'da"
    ),
    "share only what keeps every text independent of the load, bit by bit": (
        "yalnız her metni yükten bit bit bağımsız bırakanı paylaş"
    ),
    "write text that a grammar forces without sampling it": (
        "dil bilgisinin zorunlu kıldığı metni örneklemeden yaz"
    ),
    "prompt tokens that may wait; 0 is no limit": "bekleyebilecek istem tokeni; 0 sınırsız",
    "waiting requests; 0 is 4 for each context": "bekleyen istek; 0, bağlam başına 4",
    "longest wait in the queue; 0 is no limit": "kuyruktaki en uzun bekleme; 0 sınırsız",
    "longest wait for a reader that takes nothing; its answer ends then; 0 is no limit": (
        "okumayan istemcinin en uzun beklenmesi; sonra yanıtı biter; 0 sınırsız"
    ),
    "longest time of one request; 0 is no limit": "bir isteğin en uzun süresi; 0 sınırsız",
    # Requests
    "temperature of requests that set none": "belirtmeyen isteklerin temperature değeri",
    "top_k of requests that set none": "belirtmeyen isteklerin top_k değeri",
    "top_p of requests that set none": "belirtmeyen isteklerin top_p değeri",
    "min_p of requests that set none": "belirtmeyen isteklerin min_p değeri",
    "repeat_penalty of requests that set none": "belirtmeyen isteklerin repeat_penalty değeri",
    "system prompt of chats that bring none": "getirmeyen sohbetlerin sistem istemi",
    "template for rag_context; has {{rag_context}} and {{user_prompt}}": (
        "rag_context şablonu; içinde {{rag_context}} ve {{user_prompt}} vardır"
    ),
    "what happens to a conversation longer than the context": (
        "bağlamdan uzun bir konuşmaya ne olacağı"
    ),
    # What it tells, and how it starts and stops
    "port of Prometheus metrics; 0 takes a free one": "Prometheus ölçüm portu; 0 boş bir port alır",
    "serve Prometheus metrics": "Prometheus ölçümlerini sun",
    "bearer token that a scrape must send": "ölçüm okuyanın göndermesi gereken anahtar",
    "write prompts and answers to the log; they hold what people said": (
        "istemleri ve yanıtları günlüğe yaz; insanların söylediklerini içerirler"
    ),
    "decode one token before saying ready": "hazır demeden önce bir token üret",
    "seconds after SIGTERM in which late requests are still accepted": (
        "SIGTERM sonrası geç isteklerin hâlâ alındığı saniye"
    ),
    "seconds of work without a step after which it is not ready; 0 is never": (
        "adım atmadan geçen kaç saniyeden sonra hazır sayılmaz; 0 hiçbir zaman"
    ),
}
