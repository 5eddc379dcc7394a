// Downloading one file: it is cut into chunks that several connections fetch in any order into their places
// (formats/partial_file.h), each going on where its connection was cut; then size and digest are checked and the store
// adopts it.

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <mutex>
#include <optional>
#include <thread>

#include "base/error.h"
#include "formats/partial_file.h"
#include "formats/pull.h"
#include "net/http.h"
#include "net/sha256.h"

namespace shenbi::formats {
namespace fs = std::filesystem;
namespace {

constexpr int kAttempts = 5;                    // in a row without progress, each after a longer pause
constexpr uint64_t kProgressBytes = 64u << 10;  // what a connection must bring to count as progress

// Progress of one file, reported one call at a time.
class Meter {
 public:
  Meter(const PullOptions& options, std::string file, uint64_t done, uint64_t total)
      : options_(options), progress_{std::move(file), done, total, false} {}
  void add(uint64_t bytes) {
    std::lock_guard lock(mutex_);
    progress_.done += bytes;
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
  // 0.1, 0.2, 0.4, 0.8, 1.6 s, in steps that notice a cancel.
  for (int step = 0; step < (1 << attempt); ++step) {
    if (cancelled && *cancelled) throw Error(Code::kCancelled, "interrupted");
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

net::Options options_for(const RemoteFile& file, const PullOptions& options) {
  return {.headers = file.headers, .max_bytes = UINT64_MAX, .cancelled = options.cancelled};
}

Error status_error(const RemoteFile& file, int status) {
  static constexpr auto hint = [](int code) {
    if (code == 401 || code == 403) return " (it needs an access token or an accepted licence)";
    if (code == 429) return " (the server asks for a pause)";
    return code >= 500 ? " (the server is in trouble)" : "";
  };
  return Error(net::error_code(status), fmt::format("HTTP status {} from {}{}", status, file.url, hint(status)));
}

// Runs attempt(progress) until it does not throw. Trouble of network and server may pass and is tried again; an attempt
// that says by `progress` that it brought something counts as a first one.
template <class Attempt>
void with_retries(const RemoteFile& file, const PullOptions& options, Attempt attempt) {
  for (int failures = 0;;) {
    bool progress = false;
    try {
      return attempt(progress);
    } catch (const Error& error) {
      failures = progress ? 0 : failures + 1;
      const bool passing = error.code() == Code::kUpstream || error.code() == Code::kRateLimited;
      if (!passing) throw Error(error.code(), fmt::format("{}: {}", file.name, error.what()));
      if (failures == kAttempts) {
        throw Error(error.code(),
                    fmt::format("{}: {} (tried {} times; pull again to go on)", file.name, error.what(), kAttempts));
      }
    }
    pause_before_retry(failures, options.cancelled);
  }
}

struct RemoteInfo {
  uint64_t bytes = 0;
  std::string version;  // ETag, or what else tells one content from the next
  bool ranges = false;
};

std::string header(const net::Response& response, std::string_view name) {
  const auto found = response.headers.find(name);
  return found == response.headers.end() ? "" : found->second;
}

std::string version_of(const net::Response& response) {
  const std::string tag = header(response, "etag");
  return tag.empty() ? header(response, "last-modified") : tag;
}

// "bytes 0-0/1234" -> {0, 1234}
std::pair<uint64_t, uint64_t> content_range(const net::Response& response) {
  const std::string text = header(response, "content-range");
  const size_t space = text.find(' '), slash = text.find('/');
  if (space == std::string::npos || slash == std::string::npos) return {0, 0};
  return {std::strtoull(text.c_str() + space + 1, nullptr, 10), std::strtoull(text.c_str() + slash + 1, nullptr, 10)};
}

// Asks for the first byte: a HEAD is refused by some mirrors, and this also proves that ranges work.
RemoteInfo probe(const RemoteFile& file, const PullOptions& options) {
  RemoteInfo info;
  with_retries(file, options, [&](bool&) {
    const net::Response r = net::get_range(file.url, 0, 1, options_for(file, options), [](auto) { return true; });
    info.version = version_of(r);
    if (r.status == 206) {
      info.bytes = content_range(r).second;
      info.ranges = info.bytes > 0;
    } else if (r.status == 200) {
      info.bytes = std::strtoull(header(r, "content-length").c_str(), nullptr, 10);
    } else if (r.status != 416) {  // 416: an empty file has no first byte
      throw status_error(file, r.status);
    }
  });
  return info;
}

// One file, fetched by several connections.
class RangedDownload {
 public:
  RangedDownload(const RemoteFile& file, const RemoteInfo& info, PartialFile& partial, const PullOptions& options,
                 Meter& meter)
      : file_(file), info_(info), partial_(partial), options_(options), meter_(meter) {}

  /// False: the server stopped doing ranges.
  bool run() {
    std::vector<std::thread> threads;
    for (uint32_t i = 1; i < std::max(options_.connections, 1u); ++i) threads.emplace_back([this] { work(); });
    work();
    for (auto& thread : threads) thread.join();
    if (failed_) std::rethrow_exception(failed_);
    return ranges_;
  }

 private:
  void work() {
    try {
      while (!stop_) {
        const auto piece = partial_.take();
        if (!piece) return;
        fetch(*piece);
      }
    } catch (...) {
      std::lock_guard lock(mutex_);
      if (!failed_) failed_ = std::current_exception();
      stop_ = true;
    }
  }

  // Goes on inside the piece after a cut connection; what came is noted even if the rest never comes.
  void fetch(const PartialFile::Piece& piece) {
    uint64_t at = piece.begin;
    try {
      with_retries(file_, options_, [&](bool& progress) { fetch_from(at, piece.end, progress); });
    } catch (...) {
      partial_.keep(piece.chunk, at);
      throw;
    }
    if (ranges_) partial_.keep(piece.chunk, piece.end);
  }

  // One request for [at, end); moves `at`.
  void fetch_from(uint64_t& at, uint64_t end, bool& progress) {
    const uint64_t start = at;
    net::Options request = options_for(file_, options_);
    request.on_head = [&](const net::Response& head) { check_head(head, at); };
    const net::Response response = net::get_range(file_.url, at, end, request, [&](auto bytes) {
      const auto fitting = bytes.first(std::min<uint64_t>(bytes.size(), end - at));
      partial_.write(at, fitting);
      at += fitting.size();
      meter_.add(fitting.size());
      progress = at - start >= kProgressBytes;
      return fitting.size() == bytes.size();
    });
    if (response.status == 200) {
      ranges_ = false;
      stop_ = true;
    } else if (response.status != 206) {
      throw status_error(file_, response.status);
    } else if (at != end) {
      throw Error(Code::kUpstream, fmt::format("{} of {} bytes came", at - start, end - start));
    }
  }

  // The bytes must belong where they are put, and to the file that the first ones came from.
  void check_head(const net::Response& head, uint64_t at) const {
    const auto [begin, total] = content_range(head);
    if (begin != at || total != info_.bytes) {
      throw Error(Code::kCorruptFile, fmt::format("asked for bytes from {} of {}, the server sent '{}'", at,
                                                  info_.bytes, header(head, "content-range")));
    }
    if (file_.sha256.empty() && version_of(head) != info_.version) {
      throw Error(Code::kCorruptFile, "the file changed on the server during the download; pull again");
    }
  }

  const RemoteFile& file_;
  const RemoteInfo& info_;
  PartialFile& partial_;
  const PullOptions& options_;
  Meter& meter_;
  std::mutex mutex_;
  std::exception_ptr failed_;
  std::atomic<bool> stop_ = false, ranges_ = true;
};

// A server without ranges: one stream, from the start each time.
void fetch_whole(const RemoteFile& file, const RemoteInfo& info, const DownloadFolder& folder,
                 const PullOptions& options) {
  std::error_code none;
  fs::remove(folder.state(), none);  // the state speaks of ranges, and this overwrites them
  with_retries(file, options, [&](bool&) {
    Meter meter(options, file.name, 0, info.bytes);
    std::ofstream out(folder.blob(), std::ios::binary | std::ios::trunc);
    uint64_t written = 0;
    const net::Response response = net::get_stream(file.url, options_for(file, options), [&](auto bytes) {
      out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
      written += bytes.size();
      meter.add(bytes.size());
      return static_cast<bool>(out);
    });
    if (!out.flush()) throw Error(Code::kOutOfMemory, fmt::format("{}: cannot be written", folder.blob().string()));
    if (response.status != 200) throw status_error(file, response.status);
    if (file.bytes > 0 && written != file.bytes) {
      throw Error(Code::kUpstream, fmt::format("{} bytes arrived, {} were announced", written, file.bytes));
    }
    meter.finish();
  });
}

void check_room(const RemoteFile& file, uint64_t bytes, const DownloadFolder& folder) {
  const uint64_t room = fs::space(folder.path()).available + folder.allocated_bytes();
  if (room < bytes) {
    throw Error(Code::kOutOfMemory, fmt::format("{}: needs {} bytes, the disk has {} free", file.name, bytes, room));
  }
}

}  // namespace

void PullContext::check_cancelled() const {
  if (options.cancelled && *options.cancelled) throw Error(Code::kCancelled, "interrupted");
}

StoredFile PullContext::adopt(const std::string& name, const fs::path& path, bool move,
                              std::string_view expected) const {
  check_file_name(name);
  const std::string digest = store.adopt(path, move, expected, held_.path());
  return {name, digest, fs::file_size(held_.path() / digest)};
}

StoredFile PullContext::download(const RemoteFile& file) const {
  check_cancelled();
  check_file_name(file.name);  // before anything is fetched
  const auto held = [&]() -> std::optional<StoredFile> {
    if (file.sha256.empty() || !store.hold(file.sha256, held_.path())) return std::nullopt;
    return StoredFile{file.name, file.sha256, fs::file_size(held_.path() / file.sha256)};
  };
  if (auto stored = held()) return *stored;
  // The place of an unfinished download is known by what is downloaded, so that a later pull finds it, from a mirror
  // too.
  net::Sha256 key;
  key.update(std::as_bytes(std::span(file.url)));
  DownloadFolder folder(store.unfinished_download(file.sha256.empty() ? key.finish() : file.sha256), options.cancelled);
  if (auto stored = held()) {  // the program that was waited for has brought it
    folder.discard();
    return *stored;
  }

  const RemoteInfo info = probe(file, options);
  if (file.bytes > 0 && info.bytes > 0 && file.bytes != info.bytes) {
    throw Error(Code::kUpstream,
                fmt::format("{}: the server has {} bytes, the listing says {}", file.name, info.bytes, file.bytes));
  }
  check_room(file, info.bytes, folder);
  bool complete = false;
  if (info.ranges) {
    PartialFile partial(folder, info.bytes, file.sha256.empty() ? info.version : file.sha256);
    Meter meter(options, file.name, partial.done_bytes(), info.bytes);
    complete = RangedDownload(file, info, partial, options, meter).run();
    if (complete) meter.finish();
  }
  if (!complete) fetch_whole(file, info, folder, options);
  try {
    const StoredFile stored = adopt(file.name, folder.blob(), true, file.sha256);
    folder.discard();
    return stored;
  } catch (const Error&) {
    folder.discard();  // wrong bytes are no start for the next attempt
    throw;
  }
}

}  // namespace shenbi::formats
