# SPDX-License-Identifier: AGPL-3.0-only
"""The Turkish texts of the command line. A text that is missing here is shown in English."""

from __future__ import annotations

from sentiric_llama.locale.turkish_client import CATALOGUE as CLIENT
from sentiric_llama.locale.turkish_errors import ERRORS as COMMON_ERRORS
from sentiric_llama.locale.turkish_settings import CATALOGUE as SETTINGS
from sentiric_llama.locale.turkish_settings_errors import ERRORS as SETTINGS_ERRORS
from sentiric_llama.locale.turkish_start import CATALOGUE as START

CATALOGUE = {
    # The frame and the commands
    "usage: ": "kullanım: ",
    "arguments": "argümanlar",
    "options": "seçenekler",
    "commands": "komutlar",
    "COMMAND": "KOMUT",
    "VALUE": "DEĞER",
    "global options": "genel seçenekler",
    "examples:": "örnekler:",
    "print the version": "sürümü yaz",
    "see {command}": "bakınız: {command}",
    "did you mean {word}?": "şunu mu demek istediniz: {word}?",
    "default {value}": "varsayılan {value}",
    "a path, org/repo[:QUANT] or guide": "bir dosya yolu, org/repo[:QUANT] veya guide",
    "a TOML file with settings, see docs/settings.md": (
        "ayarların olduğu TOML dosyası, bakınız docs/settings.md"
    ),
    "FILE": "DOSYA",
    "make certificates for development": "geliştirme için sertifikalar yapar",
    "MODEL": "MODEL",
    "print the answer to one prompt": "tek bir istemin yanıtını yazar",
    "show the tokens of a text": "bir metnin tokenlerini gösterir",
    "check JSON schemas and grammars, and texts against them": (
        "JSON şemalarını, dil bilgilerini ve onlara göre metinleri denetler"
    ),
    "wait until a server is ready": "sunucu hazır olana kadar bekler",
    "default": "varsayılan",
    "Serve and chat with GGUF models.": "GGUF modellerini sunar ve onlarla sohbet eder.",
    "show this help and exit": "bu yardımı göster ve çık",
    "show every setting and exit": "bütün ayarları göster ve çık",
    "print the answer as JSON": "yanıtı JSON olarak yaz",
    "suppress informational output": "bilgi satırlarını gösterme",
    "message language": "iletilerin dili",
    "colors and tables": "renkler ve tablolar",
    "common settings": "sık kullanılan ayarlar",
    "unknown command {word}": "bilinmeyen komut: {word}",
    "unknown option {word}": "bilinmeyen seçenek: {word}",
    "unexpected argument {word}": "beklenmeyen argüman: {word}",
    "got {word}, allowed {choices}": "verilen: {word}, izin verilen: {choices}",
    "the value is missing": "değeri eksik",
    "cannot be combined with {word}": "{word} ile birlikte verilemez",
    "takes no value, got {word}": "değer almaz, verilen: {word}",
    "missing argument {word}": "eksik argüman: {word}",
    "start the server": "sunucuyu başlatır",
    "show, check or describe the settings": "ayarları gösterir, denetler veya açıklar",
    "estimate the memory a model needs": "bir modelin gerektirdiği belleği kestirir",
    "diagnose the installation and the configuration": "kurulumu ve yapılandırmayı denetler",
    "chat with a model in the terminal": "terminalde bir modelle sohbet eder",
    "print embeddings": "gömme vektörlerini yazar",
    "benchmark a running server or a model": "çalışan bir sunucuyu veya bir modeli ölçer",
    "measure how fast a cancelled answer frees its context": (
        "iptal edilen bir yanıtın bağlamını ne kadar çabuk boşalttığını ölçer"
    ),
    "show what a running server is doing": "çalışan bir sunucunun ne yaptığını gösterir",
    "check server health (exit code 0 if healthy)": (
        "sunucunun durumunu denetler (sağlıklıysa çıkış kodu 0)"
    ),
    "list the profiles a server can switch to": "sunucunun geçebileceği profilleri listeler",
    "switch a running server to another profile": "çalışan bir sunucuyu başka bir profile geçirir",
    "download a model and verify its checksum": "bir modeli indirir ve sağlama toplamını doğrular",
    "list cached models": "önbellekteki modelleri listeler",
    "show the metadata of a model file": "bir model dosyasının üst verilerini gösterir",
    "remove cached models": "önbellekteki modelleri siler",
    "verify the checksums of cached models": (
        "önbellekteki modellerin sağlama toplamlarını doğrular"
    ),
    "print a shell completion script": "kabuk tamamlama betiğini yazar",
    "print the version and build information": "sürümü ve derleme bilgilerini yazar",
    "show the help of a command": "bir komutun yardımını gösterir",
    "command to explain": "açıklanacak komut",
    "shell to complete in": "tamamlamanın yapılacağı kabuk",
    "a file that contains it": "bunu içeren dosya",
    "llama-server divides it among its slots; --context-size is for each of --contexts": (
        "llama-server bunu slotlara böler; --context-size, --contexts bağlamlarının her biri "
        "içindir"
    ),
    "use --compute-threads for CPU threads; --contexts is the number of concurrent requests": (
        "işlemci iş parçacıkları için --compute-threads; --contexts eşzamanlı istek sayısıdır"
    ),
    "use --host-cache-bytes with a unit, as in 8GiB": (
        "8GiB gibi bir birimle --host-cache-bytes kullanın"
    ),
    "use --request-timeout-ms, as in 600s": "600s gibi --request-timeout-ms kullanın",
    "the model's own chat template is used": "modelin kendi sohbet şablonu kullanılır",
    "use --log-level debug": "--log-level debug kullanın",
    "use --kv-layout unified": "--kv-layout unified kullanın",
    "requests bring their own seed": "tohumu istekler getirir",
    "use --no-use-mmap": "--no-use-mmap kullanın",
    "use --no-use-mmap, which reads the whole file into memory": (
        "dosyanın tamamını belleğe okuyan --no-use-mmap kullanın"
    ),
    "use --lora-dir; requests select adapters of that directory by name": (
        "--lora-dir kullanın; istekler o klasördeki uyarlayıcıları adıyla seçer"
    ),
    "metrics are on; --metrics-port says where": "metrikler açık; yerini --metrics-port söyler",
    "use --tls cert with --cert-path and --key-path": (
        "--cert-path ve --key-path ile --tls cert kullanın"
    ),
    "the built-in page cannot be replaced": "yerleşik sayfa değiştirilemez",
}
CATALOGUE |= START | CLIENT | SETTINGS
ERRORS = COMMON_ERRORS | SETTINGS_ERRORS
