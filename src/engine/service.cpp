#include "engine/service.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <future>
#include <thread>
#include <utility>

#include "base/computing_thread.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/log.h"
#include "formats/checkpoint.h"

namespace shenbi::engine {
namespace {

int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

double gigabytes(uint64_t bytes) { return static_cast<double>(bytes) / 1e9; }

uint64_t size_of(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return std::filesystem::file_size(path);
  uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    if (entry.is_regular_file()) bytes += entry.file_size();
  }
  return bytes;
}

}  // namespace

grammar::GrammarCache& LoadedModel::grammars() const {
  std::call_once(grammars_once_, [this] {
    grammars_ = std::make_unique<grammar::GrammarCache>(
        grammar::TokenVocabulary::make(*model_->tokenizer, model_->decoder->spec().vocab_size, model_->stop_ids));
  });
  return *grammars_;
}

void LoadedModel::keep_for(double seconds) noexcept {
  keep_ms_ = seconds < 0 ? -1 : static_cast<int64_t>(std::min(seconds, 1e9) * 1000);
}

struct Service::Impl {
  ServiceOptions options;
  std::unique_ptr<ThreadTeam> team;
  uint64_t budget;

  mutable std::mutex mutex;  // guards what follows
  std::map<std::string, LoadedModelPtr> models;
  std::map<std::string, std::shared_future<LoadedModelPtr>> loading;
  uint64_t loading_bytes = 0;
  std::atomic<bool> loads_stopped{false};
  std::string no_loads;  // why, once they are stopped
  std::condition_variable work;
  uint64_t work_count = 0;  // grows with every request, so that no wake-up is missed
  bool stopping = false;
  int in_turn = 0;                      // 1 while the computing thread holds every model
  std::vector<LoadedModelPtr> leaving;  // unloaded by name while requests were in flight: stepped until they end

  std::thread thread;

  explicit Impl(const ServiceOptions& o) : options(o) {
    const ThreadBudget cpus = thread_budget();
    const int count = options.threads == 0 ? cpus.threads : static_cast<int>(options.threads);
    team = std::make_unique<ThreadTeam>(count, count <= cpus.threads && cpus.cgroup_quota == 0);
    budget = options.memory_bytes ? options.memory_bytes : memory_limit_bytes() / 4 * 3;
    thread = std::thread([this] {
      this_thread_computes = true;
      loop();
    });
  }

  // --- the computing thread ---

  void loop() {
    uint64_t seen = 0;
    for (;;) {
      std::vector<LoadedModelPtr> models_now;
      {
        std::lock_guard lock(mutex);
        if (stopping) return;
        seen = work_count;
        for (const auto& [name, model] : models) models_now.push_back(model);
        models_now.insert(models_now.end(), leaving.begin(), leaving.end());
        in_turn = 1;
      }
      bool busy = false;
      for (const LoadedModelPtr& model : models_now) busy |= step(model);
      drop_finished_leavers();
      std::unique_lock lock(mutex);
      in_turn = 0;
      std::vector<LoadedModelPtr> gone;
      gone.swap(models_now);
      lock.unlock();
      gone.clear();  // what was unloaded meanwhile is destroyed here, outside the lock
      lock.lock();
      if (!busy && !stopping && seen == work_count) wait_for_work(lock);
    }
  }

  bool step(const LoadedModelPtr& model) {
    bool more = true;
    try {
      more = model->engine_->step();
    } catch (const std::exception& error) {
      // No memory, or a bug of ours: the requests of this model end, the others go on.
      log_warn("{}: {}; its requests are ended", model->name_, error.what());
      const auto* ours = dynamic_cast<const Error*>(&error);
      model->engine_->fail_all(ours ? ours->code() : Code::kOutOfMemory, error.what());
      if (ours && ours->code() == Code::kCorruptFile) leave(model);
    }
    if (more) model->last_use_ms_ = now_ms();
    return more;
  }

  // Nobody gets it any more; it is stepped until its requests have ended.
  void leave(const LoadedModelPtr& model) {
    std::lock_guard lock(mutex);
    if (std::erase_if(models, [&](const auto& entry) { return entry.second == model; }) > 0) leaving.push_back(model);
  }

  void wait_for_work(std::unique_lock<std::mutex>& lock) {
    const uint64_t seen = work_count;
    const auto woken = [&] { return stopping || work_count != seen; };
    const bool timed = std::any_of(models.begin(), models.end(), [](const auto& e) { return e.second->keep_ms_ >= 0; });
    if (!timed) {
      work.wait(lock, woken);
    } else if (!work.wait_for(lock, std::chrono::milliseconds(500), woken)) {
      const int64_t now = now_ms();
      std::erase_if(models, [&](const auto& entry) {
        const LoadedModel& model = *entry.second;
        return model.keep_ms_ >= 0 && model.last_use_ms_ + model.keep_ms_ < now && idle(entry.second);
      });
    }
  }

  void drop_finished_leavers() {
    std::vector<LoadedModelPtr> gone;  // destroyed outside the lock
    std::lock_guard lock(mutex);
    for (auto& model : leaving) {
      if (!has_requests(model)) gone.push_back(std::move(model));
    }
    std::erase(leaving, nullptr);
  }

  static bool has_requests(const LoadedModelPtr& model) {
    const EngineStats stats = model->stats();
    return stats.running + stats.waiting > 0;
  }
  // Nobody holds it but the table and, while a turn runs, the turn's list. Caller holds the lock.
  bool idle(const LoadedModelPtr& model) const { return !has_requests(model) && model.use_count() <= 1 + in_turn; }

  // --- loading ---

  uint64_t bytes_in_memory() const {
    uint64_t bytes = loading_bytes;
    for (const auto& [name, model] : models) bytes += model->bytes_;
    for (const auto& model : leaving) bytes += model->bytes_;
    return bytes;
  }

  // Makes room by unloading idle models, the longest unused first. Caller holds the lock.
  void make_room(const std::string& name, uint64_t bytes) {
    while (bytes_in_memory() + bytes > budget) {
      auto victim = models.end();
      for (auto it = models.begin(); it != models.end(); ++it) {
        if (idle(it->second) && (victim == models.end() || it->second->last_use_ms_ < victim->second->last_use_ms_))
          victim = it;
      }
      if (victim == models.end()) {
        const uint64_t used = bytes_in_memory();
        throw Error(Code::kOutOfMemory,
                    fmt::format("{} needs {:.1f} GB, {:.1f} GB of the budget of {:.1f} GB are free", name,
                                gigabytes(bytes), gigabytes(budget - std::min(budget, used)), gigabytes(budget)));
      }
      log_info("unloading {} to make room for {}", victim->first, name);
      models.erase(victim);
    }
  }

  std::shared_ptr<const Model> read_weights(const std::filesystem::path& path) {
    // A team of its own: the service's is busy with answers. It does not spin, because it shares their cores.
    ThreadTeam packing(team->count(), false);
    return load_model(
        path,
        {.context_length = options.context,
         .context_length_cap = options.context ? 0 : options.context_cap,
         .precision = options.precision,
         .coarse_head = options.whole_head ? models::CoarseHeadUse::kNever : models::CoarseHeadUse::kWhereItPays,
         .cache = options.cache,
         .cancelled = &loads_stopped},
        packing);
  }

  // Room for the weights as they are now and for keys and values: at least one whole context, at most as many as may
  // run at once, in between a quarter of what is left. Returns the bytes for keys and values, and counts all of it as
  // taken. Caller holds the lock.
  uint64_t take_memory(const std::string& name, const Model& model) {
    const auto& decoder = *model.decoder;
    const uint64_t pages = (decoder.spec().context_length + models::kPagePositions - 1) / models::kPagePositions;
    const uint64_t one_context = pages * decoder.kv_page_bytes();
    make_room(name, decoder.weight_bytes() + one_context);
    const uint64_t left = budget - bytes_in_memory() - decoder.weight_bytes();
    return std::clamp(left / 4, one_context, one_context * options.max_sequences);
  }

  void tell(LoadReport& report) const {
    report.ended = std::chrono::steady_clock::now();
    if (options.on_load) options.on_load(report);
  }

  LoadedModelPtr load(const std::string& name) {
    std::promise<LoadedModelPtr> promise;
    const auto path = resolve_model(name);
    const uint64_t need = size_of(path);
    {
      std::unique_lock lock(mutex);
      if (const auto found = models.find(name); found != models.end()) return found->second;
      if (const auto found = loading.find(name); found != loading.end()) {
        const auto future = found->second;
        lock.unlock();
        return future.get();
      }
      if (loads_stopped) throw Error(Code::kUnavailable, no_loads);
      make_room(name, need);
      loading_bytes += need;
      loading.emplace(name, promise.get_future().share());
    }
    uint64_t counted = need;  // of loading_bytes
    LoadReport report{.model = name, .begun = std::chrono::steady_clock::now(), .ended = {}};
    try {
      auto loaded = std::make_shared<LoadedModel>();
      loaded->name_ = name;
      loaded->model_ = read_weights(path);
      uint64_t kv_bytes = 0;
      {
        std::lock_guard lock(mutex);
        loading_bytes -= std::exchange(counted, 0);
        kv_bytes = take_memory(name, *loaded->model_);
        loaded->bytes_ = loaded->model_->decoder->weight_bytes() + kv_bytes;
        loading_bytes += counted = loaded->bytes_;
      }
      loaded->engine_ = std::make_unique<Engine>(
          loaded->model_, *team,
          EngineOptions{
              .max_sequences = options.max_sequences, .kv_bytes = kv_bytes, .speculation = options.speculation});
      loaded->last_use_ms_ = now_ms();
      if (options.idle_unload.count() > 0) loaded->keep_for(static_cast<double>(options.idle_unload.count()));
      {
        std::lock_guard lock(mutex);
        loading.erase(name);
        loading_bytes -= counted;
        models.emplace(name, loaded);
        ++work_count;
      }
      work.notify_all();
      promise.set_value(loaded);
      report.bytes = loaded->bytes_;
      tell(report);
      return loaded;
    } catch (...) {
      std::exception_ptr why = std::current_exception();
      {
        std::lock_guard lock(mutex);
        loading.erase(name);
        loading_bytes -= counted;
        if (loads_stopped) why = std::make_exception_ptr(Error(Code::kUnavailable, no_loads));
      }
      promise.set_exception(why);
      report.failed = true;
      tell(report);
      std::rethrow_exception(why);
    }
  }

  void wake(LoadedModel& model) {
    model.last_use_ms_ = now_ms();
    {
      std::lock_guard lock(mutex);
      ++work_count;
      // It may have left between being handed out and being asked: then it comes back for this request.
      const LoadedModelPtr self = model.shared_from_this();
      const bool known = std::any_of(models.begin(), models.end(), [&](const auto& e) { return e.second == self; });
      if (!known && std::find(leaving.begin(), leaving.end(), self) == leaving.end()) leaving.push_back(self);
    }
    work.notify_all();
  }

  void check_queue(const LoadedModel& model) const {
    if (const auto waiting = model.stats().waiting; waiting >= options.max_waiting) {
      throw Error(Code::kRateLimited, fmt::format("{} requests wait for {} already", waiting, model.name_));
    }
  }
};

Service::Service(const ServiceOptions& options) : impl_(std::make_unique<Impl>(options)) {}

Service::~Service() { stop(); }

void Service::stop() {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->work.notify_all();
  if (impl_->thread.joinable()) impl_->thread.join();
}

std::string Service::real_name(std::string_view name) const {
  const auto found = impl_->options.aliases.find(name);
  return found == impl_->options.aliases.end() ? std::string(name) : found->second;
}

const std::map<std::string, std::string, std::less<>>& Service::aliases() const noexcept {
  return impl_->options.aliases;
}

LoadedModelPtr Service::load(const std::string& name) { return impl_->load(real_name(name)); }

LoadedModelPtr Service::loaded(const std::string& name) const {
  std::lock_guard lock(impl_->mutex);
  const auto found = impl_->models.find(real_name(name));
  return found == impl_->models.end() ? nullptr : found->second;
}

std::vector<LoadedModelPtr> Service::all_loaded() const {
  std::lock_guard lock(impl_->mutex);
  std::vector<LoadedModelPtr> all;
  for (const auto& [name, model] : impl_->models) all.push_back(model);
  return all;
}

bool Service::unload(const std::string& name) {
  LoadedModelPtr model;
  {
    std::lock_guard lock(impl_->mutex);
    const auto found = impl_->models.find(real_name(name));
    if (found == impl_->models.end()) return false;
    model = found->second;
    impl_->models.erase(found);
    impl_->leaving.push_back(model);
    ++impl_->work_count;
  }
  impl_->work.notify_all();
  return true;
}

uint64_t Service::submit(LoadedModel& model, Request request) {
  impl_->check_queue(model);
  const uint64_t number = model.engine_->submit(std::move(request));
  impl_->wake(model);
  return number;
}

void Service::submit(LoadedModel& model, EmbeddingRequest request) {
  impl_->check_queue(model);
  model.engine_->submit(std::move(request));
  impl_->wake(model);
}

void Service::cancel(LoadedModel& model, uint64_t number) {
  model.engine_->cancel(number);
  impl_->wake(model);
}

void Service::fail_all(Code code, const std::string& reason) {
  std::vector<LoadedModelPtr> all = all_loaded();
  {
    std::lock_guard lock(impl_->mutex);
    all.insert(all.end(), impl_->leaving.begin(), impl_->leaving.end());
  }
  for (const LoadedModelPtr& model : all) model->engine_->fail_all(code, reason);
  {
    std::lock_guard lock(impl_->mutex);
    ++impl_->work_count;
  }
  impl_->work.notify_all();
}

void Service::stop_loading(const std::string& reason) {
  std::lock_guard lock(impl_->mutex);
  if (impl_->loads_stopped) return;
  impl_->no_loads = reason;
  impl_->loads_stopped = true;
}

uint64_t Service::memory_budget() const noexcept { return impl_->budget; }
int Service::threads() const noexcept { return impl_->team->count(); }

}  // namespace shenbi::engine
