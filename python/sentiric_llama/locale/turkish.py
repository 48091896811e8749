# SPDX-License-Identifier: AGPL-3.0-only
"""The Turkish texts of the command line. A text that is missing here is shown in English."""

from __future__ import annotations

from sentiric_llama.locale.turkish_client import CATALOGUE as CLIENT
from sentiric_llama.locale.turkish_settings import CATALOGUE as SETTINGS

CATALOGUE = {
    # The frame
    "An LLM service on llama.cpp.": "llama.cpp üzerinde bir dil modeli servisi.",
    "usage: ": "kullanım: ",
    "arguments": "argümanlar",
    "options": "seçenekler",
    "commands": "komutlar",
    "COMMAND": "KOMUT",
    "VALUE": "DEĞER",
    "global options": "genel seçenekler",
    "examples:": "örnekler:",
    "print the version": "sürümü yaz",
    "show this help and leave": "bu yardımı göster ve çık",
    "answer in JSON": "JSON olarak yanıtla",
    "only answers and errors": "yalnız yanıtlar ve hatalar",
    "language of texts for people": "insanlar için metinlerin dili",
    "colours and tables": "renkler ve tablolar",
    "see {command}": "bakınız: {command}",
    "did you mean {word}?": "şunu mu demek istediniz: {word}?",
    "default {value}": "varsayılan {value}",
    # Verbs
    "load a model and answer over the network": "bir modeli yükler ve ağ üzerinden yanıt verir",
    "show, check and describe the settings": "ayarları gösterir, denetler ve açıklar",
    "print the completion script of a shell": "bir kabuğun tamamlama betiğini yazar",
    "print the version and what it was built from": "sürümü ve neyle derlendiğini yazar",
    "predict the memory that a model needs": "bir modelin gerektirdiği belleği önceden hesaplar",
    "explain what is wrong with a set-up": "bir kurulumda neyin yanlış olduğunu açıklar",
    "explain a verb": "bir komutu açıklar",
    # Arguments
    "a path, org/repo[:QUANT] or guide": "bir dosya yolu, org/repo[:QUANT] veya guide",
    "a TOML file with settings, see docs/settings.md": (
        "ayarların olduğu TOML dosyası, bakınız docs/settings.md"
    ),
    "the shell that will read it": "betiği okuyacak kabuk",
    "the verb to explain": "açıklanacak komut",
    "FILE": "DOSYA",
    "a file that holds it": "bunu içeren dosya",
    "show the settings, check them, or print their JSON schema": (
        "ayarları göster, denetle veya JSON şemasını yaz"
    ),
    "show where each value comes from": "her değerin nereden geldiğini göster",
    # Answers about settings
    "setting": "ayar",
    "value": "değer",
    "origin": "kaynak",
    "default": "varsayılan",
    "warning: {text}": "uyarı: {text}",
    "the settings are good": "ayarlar geçerli",
    # Plans
    "device": "aygıt",
    "weights": "ağırlıklar",
    "cache": "önbellek",
    "compute": "hesap",
    "needed": "gereken",
    "free": "boş",
    "bound": "sınır",
    "of": "toplam",
    "it fits": "sığıyor",
    "the draft model would not be loaded: on this processor it could change a text": (
        "taslak model yüklenmeyecek: bu işlemcide bir metni değiştirebilir"
    ),
    "--speculation draft loads it all the same": "--speculation draft yine de yükler",
    "does not fit: {reason}": "sığmıyor: {reason}",
    "{contexts} contexts of {size} tokens, {each} of cache each": (
        "{size} token uzunluğunda {contexts} bağlam, her biri {each} önbellek"
    ),
    # The doctor
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
    "{count} settings are given, the others have their defaults": (
        "{count} ayar verilmiş, ötekiler varsayılan değerinde"
    ),
    "all settings have their defaults": "bütün ayarlar varsayılan değerinde",
    "this Python is a 32 bit one": "bu Python 32 bit",
    "install a 64 bit Python": "64 bit bir Python kurun",
    "the engine loads; llama.cpp {llama_commit}": "motor yükleniyor; llama.cpp {llama_commit}",
    "the engine was built for another Python: there is {found}, not {wanted}": (
        "motor başka bir Python için derlenmiş: {wanted} değil, {found} var"
    ),
    "the engine is not built: there is no {wanted}": "motor derlenmemiş: {wanted} yok",
    "install a C++ compiler (Debian: apt-get install build-essential), then make install": (
        "bir C++ derleyicisi kurun (Debian: apt-get install build-essential), sonra make install"
    ),
    "the engine was built for a processor with other instructions than this one": (
        "motor, komutları bundan farklı bir işlemci için derlenmiş"
    ),
    "build here (make install), or for every processor (SENTIRIC_NATIVE=OFF)": (
        "burada derleyin (make install) veya her işlemci için derleyin (SENTIRIC_NATIVE=OFF)"
    ),
    "the engine does not load: {reason}": "motor yüklenmiyor: {reason}",
    "install the OpenMP library (Debian: apt-get install libgomp1)": (
        "OpenMP kitaplığını kurun (Debian: apt-get install libgomp1)"
    ),
    "the C++ library is older than the build: build here (make install)": (
        "C++ kitaplığı derlemeden eski: burada derleyin (make install)"
    ),
    "the C library is older than the build: build here (make install)": (
        "C kitaplığı derlemeden eski: burada derleyin (make install)"
    ),
    "install the NVIDIA driver, or build without CUDA": (
        "NVIDIA sürücüsünü kurun veya CUDA olmadan derleyin"
    ),
    "the parts of the build do not match: make clean, then make install": (
        "derlemenin parçaları uyuşmuyor: make clean, sonra make install"
    ),
    "the processor has {unused}, which the build does not use: it is slower than needed": (
        "işlemcide {unused} var ama derleme kullanmıyor: gerekenden yavaş"
    ),
    "build here: SENTIRIC_NATIVE=ON make install": (
        "burada derleyin: SENTIRIC_NATIVE=ON make install"
    ),
    "the build uses what the processor has: {shown}; matrix products: {kernels}": (
        "derleme işlemcide olanı kullanıyor: {shown}; matris çarpımları: {kernels}"
    ),
    "there is an NVIDIA driver, but the build cannot use it": (
        "NVIDIA sürücüsü var ama derleme onu kullanamıyor"
    ),
    "the build is made for a graphics card, but there is no NVIDIA driver here": (
        "derleme ekran kartı için yapılmış ama burada NVIDIA sürücüsü yok"
    ),
    "in a container: --gpus all; else install the driver": (
        "kapsayıcıda: --gpus all; değilse sürücüyü kurun"
    ),
    "there is an NVIDIA driver, but it shows no graphics card": (
        "NVIDIA sürücüsü var ama hiçbir ekran kartı göstermiyor"
    ),
    "look at nvidia-smi and at CUDA_VISIBLE_DEVICES": (
        "nvidia-smi çıktısına ve CUDA_VISIBLE_DEVICES değişkenine bakın"
    ),
    "{name} is {description}; {free} of its {total} are free": (
        "{name}: {description}; {total} belleğinin {free} kadarı boş"
    ),
    "{name} needs {needed} for them; {free} of its {total} are free": (
        "{name} bunlar için {needed} ister; {total} belleğinin {free} kadarı boş"
    ),
    "no graphics card; everything runs on the processor": (
        "ekran kartı yok; her şey işlemcide çalışıyor"
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
    "stop the other process, or choose another port: --{flag} 0 takes a free one": (
        "diğer süreci durdurun veya başka port seçin: --{flag} 0 boş olanı alır"
    ),
    "{host}:{port} is free ({name})": "{host}:{port} boş ({name})",
    "{files} open files are allowed, {wanted} may be needed for all connections": (
        "{files} açık dosyaya izin var, bütün bağlantılar için {wanted} gerekebilir"
    ),
    "ulimit -n {wanted}, LimitNOFILE of systemd, or fewer --max-connections": (
        "ulimit -n {wanted}, systemd için LimitNOFILE veya daha az --max-connections"
    ),
    "{threads} compute threads share {allowed} processors: each one slows the others": (
        "{threads} hesap iş parçacığı {allowed} işlemciyi paylaşıyor: birbirlerini yavaşlatırlar"
    ),
    "{allowed} processors and {files} open files": "{allowed} işlemci ve {files} açık dosya",
    "HF_ENDPOINT={endpoint} is no address": "HF_ENDPOINT={endpoint} bir adres değil",
    "it looks like https://host": "https://makine gibi görünür",
    "HF_HUB_OFFLINE is set: only models of the cache can be used": (
        "HF_HUB_OFFLINE verilmiş: yalnız önbellekteki modeller kullanılabilir"
    ),
    "the certificates are complete and readable": "sertifikalar tam ve okunabiliyor",
    "HTTPS with a self-signed certificate": "kendinden imzalı sertifikayla HTTPS",
    "no certificates: connections are not encrypted": ("sertifika yok: bağlantılar şifrelenmiyor"),
    "HF_TOKEN is set": "HF_TOKEN verilmiş",
    "HF_TOKEN is not set": "HF_TOKEN verilmemiş",
    "models cannot be stored in {folder}: no permission to write": (
        "modeller {folder} içine konamaz: yazma izni yok"
    ),
    "set HF_HOME to a folder of yours": "HF_HOME ile size ait bir klasör verin",
    "only {free} are left for models in {folder}": (
        "{folder} içinde modeller için yalnız {free} kaldı"
    ),
    "make room, or set HF_HOME": "yer açın veya HF_HOME verin",
    "{free} for models in {folder}": "modeller için {free}: {folder}",
    # Certificates
    "make certificates for development": "geliştirme için sertifikalar yapar",
    "dev: a CA, a server certificate and a client certificate": (
        "dev: bir CA, bir sunucu ve bir istemci sertifikası"
    ),
    "folder of the files (default: certs)": "dosyaların klasörü (varsayılan: certs)",
    "host name or address of the server; repeatable": ("sunucunun adı veya adresi; yinelenebilir"),
    "name of the client": "istemcinin adı",
    "days of validity (default: 365)": "geçerlilik günü (varsayılan: 365)",
    "replace files that are there": "var olan dosyaları değiştir",
    "certificates": "sertifikalar",
} | CLIENT
CATALOGUE |= SETTINGS
