// Downloading one large file: the file is cut into chunks that several connections fetch in any order into their
// places; a small state file says which chunks are complete, so a cut connection or a killed program loses at most the
// chunks in flight.

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <fstream>
#include <mutex>
#include <optional>
#include <thread>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "formats/pull.h"
#include "net/http.h"
#include "net/sha256.h"

namespace shenbi::formats {
namespace fs = std::filesystem;
namespace {

constexpr uint64_t kChunkBytes = 8u << 20;  // a 253 MB model is 31 chunks; at most 4 of them are lost when cut
constexpr int kAttempts = 5;                // for one chunk, each after a longer pause

// The file being made and what is known about it. Methods are thread-safe.
class PartialFile {
 public:
  PartialFile(fs::path folder, const RemoteFile& file, uint64_t bytes, std::string version)
      : path_(folder / "blob"), state_path_(folder / "state.json"), version_(std::move(version)), bytes_(bytes) {
    fs::create_directories(folder);
    done_.assign((bytes + kChunkBytes - 1) / kChunkBytes, false);
    load_state();
    fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd_ < 0 || ::ftruncate(fd_, static_cast<off_t>(bytes)) != 0) {
      throw Error(Code::kOutOfMemory,
                  fmt::format("{}: {} ({} bytes wanted)", path_.string(), std::strerror(errno), bytes));
    }
  }
  ~PartialFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  std::optional<size_t> take_chunk() {
    std::lock_guard lock(mutex_);
    while (next_ < done_.size() && done_[next_]) ++next_;
    return next_ < done_.size() ? std::optional(next_++) : std::nullopt;
  }
  std::pair<uint64_t, uint64_t> range(size_t chunk) const {
    return {chunk * kChunkBytes, std::min(bytes_, (chunk + 1) * kChunkBytes)};
  }
  void write(uint64_t offset, std::span<const std::byte> bytes) {
    for (size_t at = 0; at < bytes.size();) {
      const ssize_t n = ::pwrite(fd_, bytes.data() + at, bytes.size() - at, static_cast<off_t>(offset + at));
      if (n <= 0) throw Error(Code::kOutOfMemory, fmt::format("{}: {}", path_.string(), std::strerror(errno)));
      at += static_cast<size_t>(n);
    }
  }
  void finish_chunk(size_t chunk) {
    // Data before the note that it is there: after a power cut the note must not be ahead of the data.
    if (::fdatasync(fd_) != 0)
      throw Error(Code::kOutOfMemory, fmt::format("{}: {}", path_.string(), std::strerror(errno)));
    std::lock_guard lock(mutex_);
    done_[chunk] = true;
    save_state();
  }
  uint64_t done_bytes() const {
    std::lock_guard lock(mutex_);
    uint64_t sum = 0;
    for (size_t i = 0; i < done_.size(); ++i) {
      if (done_[i]) sum += range(i).second - range(i).first;
    }
    return sum;
  }
  const fs::path& path() const { return path_; }

 private:
  void load_state() {
    if (!fs::exists(state_path_)) return;
    try {
      const Json state = read_json_file(state_path_.string(), limits::kMaxConfigBytes);
      if (state.at("version") != version_ || state.at("bytes") != bytes_) return;  // another file now: from the start
      const std::string chunks = state.at("chunks");
      if (chunks.size() != done_.size()) return;
      for (size_t i = 0; i < chunks.size(); ++i) done_[i] = chunks[i] == '1';
    } catch (const std::exception&) {
      // An unreadable state only means that nothing is known to be there.
    }
  }
  void save_state() {
    std::string chunks;
    for (const bool done : done_) chunks += done ? '1' : '0';
    const fs::path next = state_path_.string() + ".new";
    std::ofstream(next) << Json{{"version", version_}, {"bytes", bytes_}, {"chunks", chunks}}.dump();
    fs::rename(next, state_path_);
  }

  fs::path path_, state_path_;
  std::string version_;
  uint64_t bytes_;
  int fd_ = -1;
  mutable std::mutex mutex_;
  std::vector<bool> done_;
  size_t next_ = 0;
};

// Progress of one file, reported one call at a time.
class Meter {
 public:
  Meter(const PullOptions& options, std::string file, uint64_t done, uint64_t total)
      : options_(options), progress_{std::move(file), done, total, false} {}
  void add(int64_t bytes) {
    std::lock_guard lock(mutex_);
    progress_.done += static_cast<uint64_t>(bytes);
    report();
  }
  void finish() {
    std::lock_guard lock(mutex_);
    progress_.finished = true;
    report();
  }

 private:
  void report() const {
    if (options_.progress) options_.progress(progress_);
  }
  const PullOptions& options_;
  std::mutex mutex_;
  Progress progress_;
};

void pause_before_retry(int attempt, const std::atomic<bool>* cancelled) {
  // 0.2, 0.4, 0.8, 1.6 s, in steps that notice a cancel.
  for (int step = 0; step < (2 << attempt); ++step) {
    if (cancelled && *cancelled) throw Error(Code::kCancelled, "interrupted");
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

net::Options options_for(const RemoteFile& file, const PullOptions& options) {
  return {.headers = file.headers, .max_bytes = UINT64_MAX, .cancelled = options.cancelled};
}

// Fetches one chunk, going on inside it after a cut connection. False: the server does not do ranges.
bool fetch_chunk(const RemoteFile& file, PartialFile& partial, size_t chunk, const PullOptions& options, Meter& meter) {
  const auto [begin, end] = partial.range(chunk);
  uint64_t at = begin;
  for (int attempt = 0;; ++attempt) {
    std::string failure;
    try {
      const uint64_t limit = end;
      const net::Response response = net::get_range(file.url, at, end, options_for(file, options), [&](auto bytes) {
        const auto fitting = bytes.first(std::min<uint64_t>(bytes.size(), limit - at));
        partial.write(at, fitting);
        at += fitting.size();
        meter.add(static_cast<int64_t>(fitting.size()));
        return fitting.size() == bytes.size();
      });
      if (response.status == 200) return false;
      if (at == end) break;
      if (response.status != 206) {
        failure = fmt::format("HTTP status {}", response.status);
        const bool final =
            response.status >= 400 && response.status < 500 && response.status != 408 && response.status != 429;
        if (final) throw Error(Code::kUpstream, fmt::format("{}: {}", file.name, failure));
      }
    } catch (const Error& error) {
      if (error.code() != Code::kUpstream || attempt + 1 == kAttempts) throw;
      failure = error.what();
    }
    if (attempt + 1 == kAttempts) {
      throw Error(Code::kUpstream, fmt::format("{}: {} after {} attempts (pull again to go on)", file.name,
                                               failure.empty() ? "the connection was cut" : failure, kAttempts));
    }
    pause_before_retry(attempt, options.cancelled);
  }
  partial.finish_chunk(chunk);
  return true;
}

bool fetch_in_ranges(const RemoteFile& file, PartialFile& partial, const PullOptions& options, Meter& meter) {
  std::mutex mutex;
  std::exception_ptr failed;
  std::atomic<bool> stop = false, ranges = true;
  const auto worker = [&] {
    try {
      while (!stop) {
        const auto chunk = partial.take_chunk();
        if (!chunk) return;
        if (!fetch_chunk(file, partial, *chunk, options, meter)) ranges = false, stop = true;
      }
    } catch (...) {
      std::lock_guard lock(mutex);
      if (!failed) failed = std::current_exception();
      stop = true;
    }
  };
  std::vector<std::thread> threads;
  for (uint32_t i = 1; i < std::max(options.connections, 1u); ++i) threads.emplace_back(worker);
  worker();
  for (auto& thread : threads) thread.join();
  if (failed) std::rethrow_exception(failed);
  return ranges;
}

// A server without ranges: one stream, from the start each time.
void fetch_whole(const RemoteFile& file, const fs::path& path, const PullOptions& options, Meter& meter) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  uint64_t written = 0;
  const net::Response response = net::get_stream(file.url, options_for(file, options), [&](auto bytes) {
    out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    written += bytes.size();
    meter.add(static_cast<int64_t>(bytes.size()));
    return static_cast<bool>(out);
  });
  if (!out.flush()) throw Error(Code::kOutOfMemory, fmt::format("{}: cannot be written", path.string()));
  if (response.status != 200)
    throw Error(Code::kUpstream, fmt::format("{}: HTTP status {}", file.name, response.status));
  if (file.bytes > 0 && written != file.bytes) {
    throw Error(Code::kUpstream,
                fmt::format("{}: {} bytes arrived, {} were announced", file.name, written, file.bytes));
  }
}

struct RemoteInfo {
  uint64_t bytes = 0;
  std::string version;  // ETag, or what else tells one content from the next
  bool ranges = false;
};

// Asks for the first byte: a HEAD is refused by some mirrors, and this also proves that ranges work.
RemoteInfo probe(const RemoteFile& file, const PullOptions& options) {
  const net::Response r = net::get_range(file.url, 0, 1, options_for(file, options), [](auto) { return true; });
  if (r.status != 200 && r.status != 206) {
    throw Error(r.status == 404                      ? Code::kNotFound
                : r.status == 401 || r.status == 403 ? Code::kUnauthorized
                                                     : Code::kUpstream,
                fmt::format("{}: HTTP status {} from {}", file.name, r.status, file.url));
  }
  RemoteInfo info;
  if (const auto tag = r.headers.find("etag"); tag != r.headers.end()) info.version = tag->second;
  if (const auto range = r.headers.find("content-range"); r.status == 206 && range != r.headers.end()) {
    const size_t slash = range->second.find('/');
    if (slash != std::string::npos) info.bytes = std::strtoull(range->second.c_str() + slash + 1, nullptr, 10);
    info.ranges = info.bytes > 0;
  } else if (const auto length = r.headers.find("content-length"); r.status == 200 && length != r.headers.end()) {
    info.bytes = std::strtoull(length->second.c_str(), nullptr, 10);
  }
  return info;
}

}  // namespace

void PullContext::check_cancelled() const {
  if (options.cancelled && *options.cancelled) throw Error(Code::kCancelled, "interrupted");
}

StoredFile PullContext::download(const RemoteFile& file) const {
  check_cancelled();
  if (!file.sha256.empty() && store.has_blob(file.sha256)) {
    return {file.name, file.sha256, fs::file_size(store.blob_path(file.sha256))};
  }
  const RemoteInfo info = probe(file, options);
  if (file.bytes > 0 && info.bytes > 0 && file.bytes != info.bytes) {
    throw Error(Code::kUpstream,
                fmt::format("{}: the server has {} bytes, the listing says {}", file.name, info.bytes, file.bytes));
  }
  // The place of an unfinished download is known by what is downloaded, so that a later pull finds it.
  net::Sha256 key;
  key.update(std::as_bytes(std::span(file.url)));
  const fs::path folder = store.unfinished_download(key.finish());
  if (info.bytes > 0) {
    const auto room = fs::space(folder.parent_path()).available;
    if (room < info.bytes) {
      throw Error(Code::kOutOfMemory,
                  fmt::format("{}: needs {} bytes, the disk has {} free", file.name, info.bytes, room));
    }
  }
  const std::string version = fmt::format("{} {} {}", file.url, info.version, file.sha256);
  fs::path path = folder / "blob";
  bool complete = false;
  if (info.ranges) {
    PartialFile partial(folder, file, info.bytes, version);
    Meter meter(options, file.name, partial.done_bytes(), info.bytes);
    complete = fetch_in_ranges(file, partial, options, meter);
    if (complete) meter.finish();
  }
  if (!complete) {
    fs::create_directories(folder);
    Meter meter(options, file.name, 0, info.bytes);
    fetch_whole(file, path, options, meter);
    meter.finish();
  }
  const uint64_t bytes = fs::file_size(path);
  std::string digest;
  try {
    digest = store.adopt(path, true, file.sha256);
  } catch (const Error&) {
    fs::remove_all(folder);  // wrong bytes are no start for the next attempt
    throw;
  }
  fs::remove_all(folder);
  return {file.name, digest, bytes};
}

}  // namespace shenbi::formats
