# SPDX-License-Identifier: AGPL-3.0-only
"""The Turkish of what is wrong with settings, and of warnings about them."""

from __future__ import annotations

ERRORS = {
    # Names
    "unknown setting {name}; did you mean {word}?": (
        "bilinmeyen ayar {name}; şunu mu demek istediniz: {word}?"
    ),
    "unknown setting {name}": "bilinmeyen ayar {name}",
    "{name} is an unknown setting; did you mean {word}?": (
        "{name} bilinmeyen bir ayar; şunu mu demek istediniz: {word}?"
    ),
    "{name} is an unknown setting": "{name} bilinmeyen bir ayar",
    "{name} is deprecated, use {new}: it is the number of requests that run at the same time, not "
    "of CPU threads": (
        "{name} eskidi, {new} kullanın: işlemci iş parçacıklarının değil, aynı anda çalışan "
        "isteklerin sayısıdır"
    ),
    "{name} is deprecated, use {new}": "{name} eskidi, {new} kullanın",
    "{name} has no effect: {reason}": "{name} etkisizdir: {reason}",
    "one event loop serves every connection; {name} limits them": (
        "bütün bağlantılara tek bir olay döngüsü bakar; sayılarını {name} sınırlar"
    ),
    "requests are always computed together": "istekler her zaman birlikte hesaplanır",
    "requests join at any step, none waits for others": (
        "istekler her adımda katılır, hiçbiri ötekileri beklemez"
    ),
    "start the service under numactl instead": "bunun yerine servisi numactl ile başlatın",
    "{name} is not read; the setting is {setting}": "{name} okunmaz; ayarın adı {setting}",
    "{one} and {other} are mutually exclusive": "{one} ve {other} birlikte verilemez",
    # Files
    "{path} is not valid TOML: {reason}": "{path} geçerli bir TOML dosyası değil: {reason}",
    "profile {name}: there is no profiles.json; write one with: sentiric-llama profile init": (
        "profil {name}: profiles.json yok; oluşturmak için: sentiric-llama profile init"
    ),
    "{key}: cannot read {path}: {reason}": "{key}: {path} okunamıyor: {reason}",
    "{key}: {path} is empty": "{key}: {path} boş",
    # Values that do not go together
    "{one} and {other} cannot share port {port}: change {a} and {b}": (
        "{one} ve {other} aynı portu ({port}) kullanamaz: {a} ve {b} değerlerini değiştirin"
    ),
    "{cache} needs flash attention, but {name} is off": (
        "{cache} flash attention gerektirir ama {name} kapalı"
    ),
    "{cache} needs flash attention, but {name} auto enables it on GPUs only: set it to on": (
        "{cache} flash attention gerektirir ama {name} auto onu yalnız GPU'larda açar: on verin"
    ),
    "{asked} is draft, but {draft} names no model": (
        "{asked} draft verilmiş ama {draft} bir model adı içermiyor"
    ),
    "{asked} is ngram, which does not use {draft}: leave one of them out": (
        "{asked} ngram verilmiş, bu {draft} kullanmaz: birini çıkarın"
    ),
    # Hosts and who may call
    "{name}: unknown host {host}": "{name}: bilinmeyen makine {host}",
    "{name}: {host} is not an address of this machine": "{name}: {host} bu makinenin adresi değil",
    "refused with ENV=production: {text}": "ENV=production ile reddedildi: {text}",
    "{host} is a public address and no API key is set; set {key} or listen on 127.0.0.1 ({name})": (
        "{host} herkese açık bir adres ve API anahtarı yok; {key} verin veya 127.0.0.1 adresini "
        "dinleyin ({name})"
    ),
    "keys and texts reach {host} unencrypted over HTTP; set {name}, or let only a proxy that "
    "terminates TLS reach it": (
        "anahtarlar ve metinler {host} adresine HTTP ile şifresiz gider; {name} verin veya oraya "
        "yalnız TLS'i sonlandıran bir vekil sunucu ulaşsın"
    ),
    "anyone who reaches {host} may read the metrics; set {name}": (
        "{host} adresine ulaşan herkes metrikleri okuyabilir; {name} verin"
    ),
    "other users may write the file of {name} and give themselves a key; use mode 0600": (
        "{name} dosyasını başka kullanıcılar yazabilir ve kendilerine anahtar verebilir; dosya "
        "kipini 0600 yapın"
    ),
    "gRPC is not encrypted; set {ca}, {cert} and {key} (`sentiric-llama certs dev` makes a set)": (
        "gRPC şifreli değil; {ca}, {cert} ve {key} verin (`sentiric-llama certs dev` bir "
        "takım oluşturur)"
    ),
    "gRPC takes callers without a certificate; set {ca}, {cert} and {key} (`sentiric-llama certs "
    "dev` makes a set)": (
        "gRPC sertifikasız istemcileri kabul ediyor; {ca}, {cert} ve {key} verin (`sentiric-llama "
        "certs dev` bir takım oluşturur)"
    ),
    "half configured: {missing} missing, {given} given; set all of them, or none and tls off": (
        "yarım yapılandırılmış: {missing} eksik, {given} verilmiş; hepsini verin veya hiçbirini "
        "vermeyip tls off kullanın"
    ),
    "half configured: {missing} missing; set all of them, or none and tls off": (
        "yarım yapılandırılmış: {missing} eksik; hepsini verin veya hiçbirini vermeyip tls off "
        "kullanın"
    ),
    # Values
    "out of range; got {value}, allowed {allowed}": (
        "aralık dışında; verilen {value}, izin verilen {allowed}"
    ),
    "wrong type; got {value}, allowed {allowed}": (
        "yanlış tür; verilen {value}, izin verilen {allowed}"
    ),
    "{key}: got {value}, allowed {allowed}": "{key}: verilen {value}, izin verilen {allowed}",
    "got {value}, allowed {allowed}": "verilen {value}, izin verilen {allowed}",
    "a directory that exists": "var olan bir klasör",
    "at most {name}, which is {size}": "en çok {name} ({size})",
    "an integer above {range}": "bir tam sayı > {range}",
    "an integer {range}": "bir tam sayı {range}",
    "a number above {range}": "bir sayı > {range}",
    "a number {range}": "bir sayı {range}",
}
"""As those of `turkish_errors`. The general ones stand last: the first that fits is taken."""
