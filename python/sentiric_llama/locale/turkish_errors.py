# SPDX-License-Identifier: AGPL-3.0-only
"""The Turkish of the errors that people meet first. An error that is missing here stays English."""

from __future__ import annotations

ERRORS = {
    # A model that is none
    "no file {path}; check the path": "{path} dosyası yok; yolu denetleyin",
    "unknown keyword, without effect": "bilinmeyen anahtar sözcük, etkisi yok",
    "unknown keyword, without effect; did you mean {word}?": (
        "bilinmeyen anahtar sözcük, etkisi yok; şunu mu demek istediniz: {word}?"
    ),
    "unknown format {name}, which is not enforced": "bilinmeyen biçim {name}, denetlenmez",
    "unknown format {name}, which is not enforced; did you mean {word}?": (
        "bilinmeyen biçim {name}, denetlenmez; şunu mu demek istediniz: {word}?"
    ),
    "{path} is a directory, not a model file": "{path} bir klasör, model dosyası değil",
    "{path} is a cut or unknown GGUF file; got version {version}, allowed 2..3; "
    "download it again": (
        "{path} eksik veya bilinmeyen bir GGUF dosyası; sürümü {version}, izin verilen 2..3; "
        "yeniden indirin"
    ),
    "{path} is cut: it ends after {size} bytes, inside its header; download it again": (
        "{path} eksik: {size} bayttan sonra, başlığının içinde bitiyor; yeniden indirin"
    ),
    "{path} is not a GGUF file; it is a Git LFS pointer, fetch the file itself (git lfs pull)": (
        "{path} bir GGUF dosyası değil, bir Git LFS işaretçisi; dosyanın kendisini alın "
        "(git lfs pull)"
    ),
    "{path} is not a GGUF file; it is an old GGML file, use the model's GGUF version": (
        "{path} bir GGUF dosyası değil, eski bir GGML dosyası; modelin GGUF sürümünü kullanın"
    ),
    "{path} is not a GGUF file; it is a web page, download it again from the file's own address": (
        "{path} bir GGUF dosyası değil, bir web sayfası; dosyanın kendi adresinden yeniden indirin"
    ),
    "{path} is not a GGUF file; safetensors weights must be converted to GGUF first": (
        "{path} bir GGUF dosyası değil; safetensors ağırlıkları önce GGUF'a dönüştürülmeli"
    ),
    "{path} is not a GGUF file; download it again or choose a .gguf file": (
        "{path} bir GGUF dosyası değil; yeniden indirin veya bir .gguf dosyası seçin"
    ),
    "{name} is neither a file nor a repository; use a path to a .gguf file, org/repo, "
    "org/repo:QUANT, org/repo/file.gguf or an https URL": (
        "{name} ne bir dosya ne bir depo; bir .gguf dosyasının yolunu, org/repo, org/repo:QUANT, "
        "org/repo/file.gguf veya bir https adresi verin"
    ),
    "{folder} holds no .gguf file": "{folder} içinde .gguf dosyası yok",
    "{folder} has several models; name one of them: {names}": (
        "{folder} içinde birden çok model var; birini adıyla verin: {names}"
    ),
    "{name} is not in the cache; list it with: sentiric-llama models": (
        "{name} önbellekte yok; olanları görmek için: sentiric-llama models"
    ),
    # Memory
    "{shortage}; {contexts} contexts of {size} tokens take {each} of cache each: choose fewer "
    "({fewer}) or shorter ones ({shorter}), or a smaller model, or set {fit}": (
        "{shortage}; {size} token uzunluğunda {contexts} bağlamın her biri {each} önbellek "
        "kullanır: daha az ({fewer}) veya daha kısa bağlam ({shorter}) ya da daha küçük bir model "
        "seçin, veya {fit} verin"
    ),
    "{shortage}; even the smallest do not; {contexts} contexts of {size} tokens take {each} of "
    "cache each: choose fewer ({fewer}) or shorter ones ({shorter}), or a smaller model": (
        "{shortage}; en küçükleri de sığmıyor; {size} token uzunluğunda {contexts} bağlamın her "
        "biri {each} önbellek kullanır: daha az ({fewer}) veya daha kısa bağlam ({shorter}) ya da "
        "daha küçük bir model seçin"
    ),
    "{device} needs at least {needed} (weights {weights}, cache {cache}, compute {compute}, engine "
    "{engine}), but {bound} leaves {free} of {total}": (
        "{device} en az {needed} ister (ağırlıklar {weights}, önbellek {cache}, hesap {compute}, "
        "motor {engine}) ama {bound} için {total} belleğin {free} kadarı boş"
    ),
    "{device} needs {needed} (weights {weights}, cache {cache}, compute {compute}, engine "
    "{engine}), but {bound} leaves {free} of {total}": (
        "{device} {needed} ister (ağırlıklar {weights}, önbellek {cache}, hesap {compute}, motor "
        "{engine}) ama {bound} için {total} belleğin {free} kadarı boş"
    ),
    # Servers
    "no server answers at {url} ({reason}); start one with: sentiric-llama serve, or name another "
    "with --url": (
        "{url} adresinde yanıt veren bir sunucu yok ({reason}); başlatmak için: sentiric-llama "
        "serve, başka bir sunucu için: --url"
    ),
    "not ready after {seconds} s: {reason}": "{seconds} sn sonra hazır değil: {reason}",
    "cannot listen on {address}: {reason}; stop what uses it, or choose another port with {name} "
    "(a second server needs its own --http-port, --grpc-port and --metrics-port)": (
        "{address} dinlenemiyor: {reason}; onu kullananı durdurun veya {name} ile başka bir port "
        "seçin (ikinci bir sunucu için --http-port, --grpc-port ve --metrics-port da başka olmalı)"
    ),
    "Address already in use": "adres kullanımda",
    "this server has no profiles; set {name} to their file, which `sentiric-llama profile init` "
    "writes": (
        "bu sunucunun profilleri yok; {name} ile dosyalarını verin, onu "
        "`sentiric-llama profile init` yazar"
    ),
    "cannot read {path}: {reason}; write one with: sentiric-llama profile init": (
        "{path} okunamıyor: {reason}; oluşturmak için: sentiric-llama profile init"
    ),
    "request ({tokens} tokens) exceeds the available context size ({size} tokens); the maximum "
    "context length is {most} tokens, of which a prompt may take {room}": (
        "istem ({tokens} token) bağlama sığmıyor ({size} token); en uzun bağlam {most} token, "
        "bunun {room} kadarı istem olabilir"
    ),
    # Keys
    "missing key name; see: sentiric-llama key --help": (
        "anahtarın adı verilmedi; bakınız: sentiric-llama key --help"
    ),
    "no key file; set one with --keys-file or {name}": (
        "anahtar dosyası yok; --keys-file veya {name} ile birini verin"
    ),
    "{path} already has a key named {name}; revoke it first": (
        "{path} içinde {name} adlı bir anahtar zaten var; önce onu iptal edin"
    ),
    "{path} has no key {name}; see: sentiric-llama key list": (
        "{path} içinde {name} adlı bir anahtar yok; bakınız: sentiric-llama key list"
    ),
    "{path} cannot be read: {reason}; make a first key with: sentiric-llama key new NAME": (
        "{path} okunamıyor: {reason}; ilk anahtarı oluşturmak için: sentiric-llama key new AD"
    ),
    # Files to write
    "{path} cannot be written: {reason}": "{path} yazılamıyor: {reason}",
    "cannot write {path}: {reason}": "{path} yazılamıyor: {reason}",
    "its folder is missing; create it with: {command}": ("klasörü yok; oluşturmak için: {command}"),
    "No such file or directory": "böyle bir dosya veya klasör yok",
    "got a key of length {size}, allowed at least {least} characters that nobody can guess": (
        "anahtar {size} karakter; kimsenin tahmin edemeyeceği en az {least} karakter gerekir"
    ),
    # The sandbox
    "limits, no new privileges": "sınırlar, yeni yetki yasağı",
    "limits, no new privileges, {layers}": "sınırlar, yeni yetki yasağı, {layers}",
    "not offered by this kernel": "bu çekirdekte yok",
    "switched off in this kernel": "bu çekirdekte kapalı",
    # What is missing
    "cannot read {path}: {reason}": "{path} okunamıyor: {reason}",
    "none given; pass it as an argument or on standard input": (
        "verilmedi; argüman olarak veya standart girdiden verin"
    ),
    "no message given; run chat in a terminal, or pipe one: echo Hello | sentiric-llama chat": (
        "ileti verilmedi; chat komutunu bir terminalde çalıştırın veya bir ileti verin: "
        "echo Merhaba | sentiric-llama chat"
    ),
}
"""The English text with names for what changes -> the Turkish one. The first that fits is taken."""
