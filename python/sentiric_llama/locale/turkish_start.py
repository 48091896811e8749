# SPDX-License-Identifier: AGPL-3.0-only
"""The Turkish texts of the commands that set up a server, and of the doctor."""

from __future__ import annotations

CATALOGUE = {
    # config, plan, certs
    "show the settings, check them, or print their JSON schema": (
        "ayarları göster, denetle veya JSON şemasını yaz"
    ),
    "check: fail on warnings, such as those of unknown variables": (
        "check: bilinmeyen değişkenler gibi uyarılarda da başarısız ol"
    ),
    "the warnings fail the check (--strict)": ("uyarılar nedeniyle denetim başarısız (--strict)"),
    "setting": "ayar",
    "value": "değer",
    "origin": "kaynak",
    "warning: {text}": "uyarı: {text}",
    "device": "aygıt",
    "weights": "ağırlıklar",
    "compute": "hesap",
    "bound": "sınır",
    "of": "toplam",
    "it fits": "sığıyor",
    "does not fit: {reason}": "sığmıyor: {reason}",
    "dev: a CA, a server certificate and a client certificate": (
        "dev: bir CA, bir sunucu ve bir istemci sertifikası"
    ),
    "host name or address of the server; repeatable": "sunucunun adı veya adresi; yinelenebilir",
    "days of validity (default: 365)": "geçerlilik günü (varsayılan: 365)",
    "ok": "tamam",
    "NAME": "AD",
    "FOLDER": "KLASÖR",
    "show the source of each value": "her değerin kaynağını göster",
    "the settings are valid": "ayarlar geçerli",
    "KV cache": "KV önbelleği",
    "process": "süreç",
    "{contexts} contexts of {size} tokens, up to {each} of KV cache each": (
        "{size} token uzunluğunda {contexts} bağlam, her biri en çok {each} KV önbelleği"
    ),
    "The KV cache and the compute buffers are upper bounds: memory that no conversation has "
    "filled yet is not in use.": (
        "KV önbelleği ve hesap tamponları üst sınırdır: henüz hiçbir konuşmanın doldurmadığı "
        "bellek kullanılmaz."
    ),
    "output directory (default: certs)": "çıktı klasörü (varsayılan: certs)",
    "name of the client (default: sentiric-client)": "istemcinin adı (varsayılan: sentiric-client)",
    "overwrite existing files": "var olan dosyaların üzerine yaz",
    # key
    "make, list and revoke API keys": ("API anahtarlarını oluşturur, listeler ve iptal eder"),
    "make a key, list the keys, or revoke one": (
        "anahtar oluştur, anahtarları listele veya birini iptal et"
    ),
    "name of the key": "anahtarın adı",
    "the file of keys": "anahtar dosyası",
    "options for key new": "yeni anahtarın özellikleri",
    "what it may do; repeatable (default: user)": (
        "ne yapabileceği; yinelenebilir (varsayılan: user)"
    ),
    "priority class that it may use; repeatable": ("kullanabileceği öncelik sınıfı; yinelenebilir"),
    "model that it may use; repeatable (default: all)": (
        "kullanabileceği model; yinelenebilir (varsayılan: hepsi)"
    ),
    "tenant it may act for, or *; repeatable": "bağlı olduğu kiracı veya *; yinelenebilir",
    "requests that it may send in a minute": "bir dakikada gönderebileceği istek sayısı",
    "tokens of prompts and answers in a minute": "bir dakikadaki istem ve yanıt tokenları",
    "calls that may run at the same time": "aynı anda çalışabilecek çağrı sayısı",
    "days of validity (default: no end)": "geçerlilik günü (varsayılan: süresiz)",
    "read the key from standard input instead of making one": (
        "anahtar oluşturmak yerine standart girdiden oku"
    ),
    "revoked {name}; its running requests continue": (
        "{name} iptal edildi; çalışan çağrıları sürüyor"
    ),
    "added {name} to {file}": "{name} eklendi: {file}",
    "save the key of {name} now; {file} stores only its hash": (
        "{name} anahtarını şimdi saklayın: {file} yalnızca özetini tutar"
    ),
    "{file} has no keys": "{file} içinde anahtar yok",
    "ROLES": "ROLLER",
    "MODELS": "MODELLER",
    "REQUESTS/MIN": "İSTEK/DK",
    "TOKENS/MIN": "TOKEN/DK",
    "CONCURRENT": "EŞZAMANLI",
    "TENANTS": "KİRACILAR",
    "TENANT": "KİRACI",
    "EXPIRES": "BİTİŞ",
    # The doctor
    "needed": "gereken",
    "free": "boş",
    "settings": "ayarlar",
    "engine": "motor",
    "processor": "işlemci",
    "graphics": "ekran kartı",
    "memory": "bellek",
    "ports": "portlar",
    "limits": "sınırlar",
    "hub": "hub",
    "disk": "disk",
    "{reason}": "{reason}",
    "this could not be checked: {reason}": "bu denetlenemedi: {reason}",
    "all settings have their defaults": "bütün ayarlar varsayılan değerinde",
    "the engine loads; llama.cpp {llama_commit}": "motor yükleniyor; llama.cpp {llama_commit}",
    "the engine was built for another Python: there is {found}, not {wanted}": (
        "motor başka bir Python için derlenmiş: {wanted} değil, {found} var"
    ),
    "the engine is not built: there is no {wanted}": "motor derlenmemiş: {wanted} yok",
    "install a C++ compiler (Debian: apt-get install build-essential), then make install": (
        "bir C++ derleyicisi kurun (Debian: apt-get install build-essential), sonra make install"
    ),
    "install the OpenMP library (Debian: apt-get install libgomp1)": (
        "OpenMP kitaplığını kurun (Debian: apt-get install libgomp1)"
    ),
    "install the NVIDIA driver, or build without CUDA": (
        "NVIDIA sürücüsünü kurun veya CUDA olmadan derleyin"
    ),
    "the parts of the build do not match: make clean, then make install": (
        "derlemenin parçaları uyuşmuyor: make clean, sonra make install"
    ),
    "build here: SENTIRIC_NATIVE=ON make install": (
        "burada derleyin: SENTIRIC_NATIVE=ON make install"
    ),
    "there is an NVIDIA driver, but the build cannot use it": (
        "NVIDIA sürücüsü var ama derleme onu kullanamıyor"
    ),
    "{name} is {description}; {free} of its {total} are free": (
        "{name}: {description}; {total} belleğinin {free} kadarı boş"
    ),
    "{name} needs {needed} for them; {free} of its {total} are free": (
        "{name} bunlar için {needed} ister; {total} belleğinin {free} kadarı boş"
    ),
    "{name} is a Hugging Face repository; a start downloads it unless it is cached": (
        "{name} bir Hugging Face deposu; önbellekte yoksa başlangıçta indirilir"
    ),
    "{contexts} contexts of {size} tokens need {needed}; {free} are free": (
        "{size} token uzunluğunda {contexts} bağlam {needed} ister; {free} boş"
    ),
    "fewer --contexts, a smaller --context-size, or --fit auto": (
        "daha az --contexts, daha küçük --context-size veya --fit auto"
    ),
    "{host}:{port} is free ({name})": "{host}:{port} boş ({name})",
    "ulimit -n {wanted}, LimitNOFILE of systemd, or fewer --max-connections": (
        "ulimit -n {wanted}, systemd için LimitNOFILE veya daha az --max-connections"
    ),
    "the certificates are complete and readable": "sertifikalar tam ve okunabiliyor",
    "HTTPS with a self-signed certificate": "kendinden imzalı sertifikayla HTTPS",
    "no certificates: connections are not encrypted": "sertifika yok: bağlantılar şifrelenmiyor",
    "HF_TOKEN is set": "HF_TOKEN verilmiş",
    "HF_TOKEN is not set": "HF_TOKEN verilmemiş",
    "models cannot be stored in {folder}: no permission to write": (
        "modeller {folder} içine konamaz: yazma izni yok"
    ),
    "{free} for models in {folder}": "modeller için {free}: {folder}",
    "certificates": "sertifikalar",
    "model": "model",
    "contexts": "bağlamlar",
    "total": "toplam",
    "CPU": "CPU",
    "GPU": "GPU",
    "python": "python",
    "{host}:{port} is in use by this running service ({name})": (
        "{host}:{port} portunu çalışan bu servis kullanıyor ({name})"
    ),
    "stop the other process, or choose another port: --{flag} 0 picks a free one": (
        "diğer süreci durdurun veya başka port seçin: --{flag} 0 boş bir port seçer"
    ),
    "the draft model would not be loaded: on this CPU it could change the output": (
        "taslak model yüklenmeyecek: bu işlemcide çıktıyı değiştirebilir"
    ),
    "--speculation draft loads it anyway": "--speculation draft yine de yükler",
    "one setting is set, the others have their defaults": (
        "bir ayar verilmiş, ötekiler varsayılan değerinde"
    ),
    "{count} settings are set, the others have their defaults": (
        "{count} ayar verilmiş, ötekiler varsayılan değerinde"
    ),
    "this is a 32-bit Python": "bu Python 32 bit",
    "install a 64-bit Python": "64 bit bir Python kurun",
    "the engine was built for another CPU: it uses instructions that this one lacks": (
        "motor başka bir işlemci için derlenmiş: bu işlemcide olmayan komutları kullanıyor"
    ),
    "build here (make install), or for any CPU (SENTIRIC_NATIVE=OFF)": (
        "burada derleyin (make install) veya her işlemci için derleyin (SENTIRIC_NATIVE=OFF)"
    ),
    "the engine cannot be loaded: {reason}": "motor yüklenemiyor: {reason}",
    "the C++ library is older than the one of the build: build here (make install)": (
        "C++ kitaplığı derlemedekinden eski: burada derleyin (make install)"
    ),
    "the C library is older than the one of the build: build here (make install)": (
        "C kitaplığı derlemedekinden eski: burada derleyin (make install)"
    ),
    "the build does not use {unused}, which this CPU has: it is slower than it could be": (
        "derleme bu işlemcideki {unused} komutlarını kullanmıyor: olabileceğinden yavaş"
    ),
    "the build uses what this CPU has: {shown}; matrix products: {kernels}": (
        "derleme bu işlemcide olanı kullanıyor: {shown}; matris çarpımları: {kernels}"
    ),
    "the build supports GPUs, but there is no NVIDIA driver": (
        "derleme GPU destekliyor ama NVIDIA sürücüsü yok"
    ),
    "in a container: --gpus all; otherwise install the driver": (
        "kapsayıcıda: --gpus all; değilse sürücüyü kurun"
    ),
    "there is an NVIDIA driver, but it reports no GPU": (
        "NVIDIA sürücüsü var ama hiçbir GPU bildirmiyor"
    ),
    "check nvidia-smi and CUDA_VISIBLE_DEVICES": (
        "nvidia-smi çıktısını ve CUDA_VISIBLE_DEVICES değişkenini denetleyin"
    ),
    "no GPU: everything runs on the CPU": "GPU yok: her şey işlemcide çalışıyor",
    "{files} open files are allowed, all connections may need {wanted}": (
        "{files} açık dosyaya izin var, bütün bağlantılar {wanted} isteyebilir"
    ),
    "{threads} compute threads share {allowed} CPUs and slow each other down": (
        "{threads} hesap iş parçacığı {allowed} işlemciyi paylaşıyor ve birbirini yavaşlatıyor"
    ),
    "{allowed} CPUs and {files} open files": "{allowed} işlemci ve {files} açık dosya",
    "sandbox": "yalıtım",
    "not in use; --isolation process enables {layers}": (
        "kullanılmıyor; --isolation process şunları etkinleştirir: {layers}"
    ),
    "layers of the engine process: {layers}": "motor sürecinin katmanları: {layers}",
    "the engine process runs without {layer}: {reason}": (
        "motor süreci {layer} olmadan çalışıyor: {reason}"
    ),
    "boot Linux 5.13 or newer with lsm=landlock,..., or update the container runtime": (
        "Linux 5.13 veya yenisini lsm=landlock,... ile başlatın veya kapsayıcı çalıştırıcısını "
        "güncelleyin"
    ),
    "allow seccomp filters in the container's profile, or use a kernel that has them": (
        "kapsayıcının profilinde seccomp süzgeçlerine izin verin veya bunu destekleyen bir "
        "çekirdek kullanın"
    ),
    "HF_ENDPOINT={endpoint} is not a URL": "HF_ENDPOINT={endpoint} bir URL değil",
    "use a URL such as https://host": "https://makine gibi bir URL verin",
    "HF_HUB_OFFLINE is set: only cached models can be used": (
        "HF_HUB_OFFLINE verilmiş: yalnız önbellekteki modeller kullanılabilir"
    ),
    "set HF_HOME to a directory that you can write to": (
        "HF_HOME ile yazabildiğiniz bir klasör verin"
    ),
    "only {free} left for models in {folder}": "{folder} içinde modeller için yalnız {free} kaldı",
    "free some space, or set HF_HOME": "yer açın veya HF_HOME verin",
}
