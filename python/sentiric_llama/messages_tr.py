# SPDX-License-Identifier: AGPL-3.0-only
"""The Turkish texts of the command line. A text that is missing here is shown in English."""

from __future__ import annotations

CATALOGUE = {
    # The frame
    "An LLM service on llama.cpp.": "llama.cpp üzerinde bir dil modeli servisi.",
    "usage: ": "kullanım: ",
    "arguments": "değişkenler",
    "options": "seçenekler",
    "verbs": "komutlar",
    "VERB": "KOMUT",
    "VALUE": "DEĞER",
    "every verb": "her komut",
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
    "does not fit: {reason}": "sığmıyor: {reason}",
    "{contexts} contexts of {size} tokens, {each} of cache each": (
        "{size} token uzunluğunda {contexts} bağlam, her biri {each} önbellek"
    ),
    # Certificates
    "make certificates for development": "geliştirme için sertifikalar yapar",
    "dev: a CA, a server certificate and a client certificate": (
        "dev: bir CA, bir sunucu ve bir istemci sertifikası"
    ),
    "folder of the files (default: certs)": "dosyaların klasörü (varsayılan: certs)",
    "host name or address of the server; repeatable": (
        "sunucunun adı veya adresi; yinelenebilir"
    ),
    "name of the client": "istemcinin adı",
    "days of validity (default: 365)": "geçerlilik günü (varsayılan: 365)",
    "replace files that are there": "var olan dosyaları değiştir",
    "certificates": "sertifikalar",
    # Sections of the settings
    "where it listens": "nerede dinler",
    "who may call": "kim çağırabilir",
    "the model": "model",
    "the engine": "motor",
    "what a request gets when it does not say": "istek belirtmezse ne alır",
    # Units
    "bytes, or 8MB, 8MiB": "bayt, veya 8MB, 8MiB",
    "milliseconds, or 500ms, 30s, 5m": "milisaniye, veya 500ms, 30s, 5m",
    "seconds, or 500ms, 30s, 5m": "saniye, veya 500ms, 30s, 5m",
    "tokens, or 8k = 8192": "token, veya 8k = 8192",
}
