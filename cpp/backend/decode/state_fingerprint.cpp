// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/decode/state_fingerprint.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>

#include "backend/kernels/cpu_hook.h"
#include "backend/model/log_sink.h"
#include "core/cache/xxh64.h"
#include "ggml-backend.h"
#include "host/private_files.h"
#include "llama.h"
#include "sentiric/version.h"

namespace sentiric::backend {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBlock = std::size_t{4} << 20;

std::string Hex(std::uint64_t number) {
  char text[20];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(number));
  return text;
}

// Changes whenever the file does.
Result<std::string> Stamp(const std::string& path) {
  struct stat found;
  std::error_code failed;
  const auto changed = fs::last_write_time(path, failed).time_since_epoch().count();
  if (failed || ::stat(path.c_str(), &found) != 0) {
    return Error{ErrorCode::kInternal, "disk_cache", "cannot stat " + path};
  }
  return path + " " + std::to_string(found.st_size) + " " + std::to_string(found.st_ino) + " " +
         std::to_string(changed) + " " + std::to_string(found.st_ctime) + "\n";
}

Result<std::string> Digest(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> block(kBlock);
  std::uint64_t size = 0, hash = 0;
  while (file) {
    file.read(block.data(), static_cast<std::streamsize>(block.size()));
    const auto got = static_cast<std::size_t>(file.gcount());
    if (got > 0) hash = Xxh64(block.data(), got, hash);
    size += got;
  }
  if (!file.eof()) return Error{ErrorCode::kInternal, "disk_cache", "cannot read " + path};
  return Hex(hash) + "-" + std::to_string(size);
}

std::string ReadText(const std::string& path) {
  const PrivateFile file(path);
  if (!file.is_open() || file.size() > kBlock) return {};
  std::vector<std::uint8_t> bytes(file.size());
  return file.Read(0, &bytes) ? std::string(bytes.begin(), bytes.end()) : std::string();
}

// The digest of the content, which is read again only when the file's stamp has changed.
Result<std::string> KnownDigest(const std::string& path, const std::string& folder) {
  const auto stamp = Stamp(path);
  if (!stamp) return stamp.error();
  const std::string note = folder + "/" + Hex(Xxh64(path.data(), path.size())) + ".digest";
  const std::string known = ReadText(note);
  if (known.size() > stamp->size() && known.compare(0, stamp->size(), *stamp) == 0) {
    return known.substr(stamp->size());
  }
  auto digest = Digest(path);
  if (!digest) return digest;
  if (Status failed = WritePrivateFile(note, {*stamp, *digest})) return *failed;
  return digest;
}

// A model may be split over several files; the name of the first tells the others.
std::vector<std::string> FilesOf(const Model& model, const std::string& path) {
  char count[16] = "", prefix[4096] = "", part[4096];
  llama_model_meta_val_str(model.get(), "split.count", count, sizeof count);
  const int num_files = std::atoi(count);
  if (num_files < 2 || llama_split_prefix(prefix, sizeof prefix, path.c_str(), 0, num_files) <= 0) {
    return {path};
  }
  std::vector<std::string> files;
  for (int i = 0; i < num_files; ++i) {
    llama_split_path(part, sizeof part, prefix, i, num_files);
    files.emplace_back(part);
  }
  return files;
}

// A scope knows adapters by name; a different file of the same name is a different adapter.
std::string AdapterFiles(const std::string& folder) {
  std::set<std::string> files;
  std::error_code failed;
  for (fs::directory_iterator file(folder, failed), end; !failed && file != end;
       file.increment(failed)) {
    const auto stamp = Stamp(file->path().string());
    if (stamp) files.insert(*stamp);
  }
  std::string all;
  for (const std::string& file : files) all += file;
  return Hex(Xxh64(all.data(), all.size()));
}

std::string Machine() {
  std::string machine = llama_print_system_info() + CpuKernelsName();
  for (std::size_t i = 0; i < ggml_backend_dev_count(); ++i) {
    machine += std::string("; ") + ggml_backend_dev_description(ggml_backend_dev_get(i));
  }
  return machine;
}

// Everything besides scope and tokens that decides the format or the bits of a state.
Result<std::string> Fingerprint(const Model& model, const LlamaDecoder& decoder,
                                const EngineConfig& config, const std::string& folder) {
  ModelInfo info;
  decoder.Describe(&info);
  const BuildInfo build = GetBuildInfo();
  std::string text = build.version + " llama.cpp " + build.llama_commit + "\n" + Machine() + "\n";
  for (const std::string& file : FilesOf(model, config.model_path)) {
    const auto digest = KnownDigest(file, folder);
    if (!digest) return digest.error();
    text += "model " + *digest + "\n";
  }
  text += "context_size " + std::to_string(info.context_size) + "\nkv_layout " + info.kv_layout +
          "\nflash_attention " + info.flash_attention + "\ncache " + config.cache_type_k + " " +
          config.cache_type_v + "\ngpu_layers " + std::to_string(config.gpu_layers) +
          "\nkv_offload " + std::to_string(config.kv_offload) + "\ndeterministic " +
          std::to_string(config.deterministic) + "\n";
  if (!config.lora_dir.empty()) text += "adapters " + AdapterFiles(config.lora_dir) + "\n";
  return text;
}

}  // namespace

DiskConfig DiskConfigOf(const Model& model, const LlamaDecoder& decoder,
                        const EngineConfig& config) {
  DiskConfig disk;
  if (config.disk_cache_dir.empty() || config.disk_cache_bytes == 0 || !config.prefix_cache) {
    return disk;
  }
  disk.log = AddLogLine;
  disk.max_bytes = static_cast<std::uint64_t>(config.disk_cache_bytes);
  const std::string folder = config.disk_cache_dir + "/kv-states";
  if (const Status failed = EnsurePrivateFolder(folder)) {
    AddLogLine({LogLine::Level::kWarn, "disk cache: off; " + failed->what});
    return disk;
  }
  auto fingerprint = Fingerprint(model, decoder, config, folder);
  if (!fingerprint) {
    AddLogLine({LogLine::Level::kWarn, "disk cache: off; " + fingerprint.error().what});
    return disk;
  }
  disk.folder = folder;
  disk.fingerprint = std::move(fingerprint).value();
  return disk;
}

}  // namespace sentiric::backend
