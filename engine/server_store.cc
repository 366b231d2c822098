// The server's store: opened at the start, changed by commands while it runs.
#include <signal.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "admin/live/change_event.h"
#include "admin/stored_entries.h"
#include "engine/build_snapshot.h"
#include "engine/config/check.h"
#include "engine/config/load.h"
#include "engine/restore_spent.h"
#include "engine/server.h"

namespace sluice {
namespace {

std::vector<SettingText> settings_in(StoreEnvironment& environment) {
  std::vector<SettingText> texts;
  const auto settings = stored_settings(environment);
  if (!settings) return texts;
  for (const StoredSetting& setting : *settings) texts.push_back({setting.key, setting.value});
  return texts;
}

}  // namespace

std::expected<void, StartFailure> Server::open_keys() {
  Writer writer(store_->environment());
  auto keys = open_key_ring(config_->store, ProcessEnvironment(), writer, clock_.unix_ms());
  if (!keys) return std::unexpected(keys.error());
  keys_ = std::move(*keys);
  return {};
}

std::expected<void, StartFailure> Server::open_store() {
  if (config_->store.directory.empty()) {
    LogLine(control_.log(), LogLevel::kWarning,
            "store.directory is none: what requests use and cost is not recorded");
    return {};
  }
  const auto log = [this] {
    return Log(log_writer_.add_producer(), clock_, config_->log.level, config_->log.format);
  };
  auto opened = StoreThread::open(config_->store, clock_, log(), log(), log());
  if (!opened) return std::unexpected(opened.error());
  store_ = std::move(*opened);
  if (auto opened_keys = open_keys(); !opened_keys) return opened_keys;
  // Only with the right key: a wrong one changes nothing.
  if (auto taken = store_->take_journals(config_->shards); !taken)
    return std::unexpected(taken.error());
  auto entries = load_stored_entries(store_->environment(), keys_->vault);
  if (!entries) return std::unexpected(StartFailure{EX_DATAERR, entries.error() + "\n"});
  stored_ = std::make_shared<const StoredEntries>(std::move(*entries));
  take_settings();
  return {};
}

// At the start: what the administrator has changed goes before what the configuration says. Where
// that cannot be, because the configuration is another one now, the gateway starts without.
void Server::take_settings() {
  settings_ = settings_in(store_->environment());
  if (settings_.empty()) return;
  auto config = reload_config(*config_, ProcessEnvironment(), settings_);
  if (!config) {
    LogLine(control_.log(), LogLevel::kError,
            "settings that were changed over the administration API are not taken")
        .field("error", config.error().text());
    return;
  }
  control_.set_log_level(config->log.level);
  store_->keep_requests(config->store.keep_requests);
  reloaded_ = std::make_shared<const Config>(std::move(*config));
}

std::vector<SettingText> Server::settings() {
  const std::lock_guard lock(stored_mutex_);
  return settings_;
}

// What check_servable() has left open, now that it is known what the store has.
std::expected<void, StartFailure> Server::check_entries() {
  const std::string unguarded = why_unguarded(*config_, stored_ != nullptr && stored_->guarded);
  if (!unguarded.empty()) return std::unexpected(StartFailure{EX_CONFIG, unguarded + "\n"});
  report_left_out(*config_);
  const bool stored_some =
      stored_ != nullptr && !(stored_->accounts.empty() && stored_->unopened.empty());
  if (config_->accounts.empty() && !stored_some) {
    LogLine(control_.log(), LogLevel::kWarning,
            "there is no account to send requests to yet: sluice providers add");
  }
  return {};
}

std::expected<void, StartFailure> Server::remember_spent() {
  if (store_ == nullptr) return {};
  const auto remembered =
      restore_spent(store_->environment(), *snapshot_->directory, clock_.now(), clock_.unix_ms());
  if (remembered && remembered->ahead > 0) {
    LogLine(control_.log(), LogLevel::kWarning,
            "the store has requests that are dated later than now: the clock was set back; limits "
            "count those of its last minute until they are used again")
        .field("requests", static_cast<std::int64_t>(remembered->ahead));
  }
  const auto watched = remembered ? store_->watch(snapshot_->directory)
                                  : StoreResult<void>(store_fail(remembered.error()));
  if (watched) return {};
  return std::unexpected(
      StartFailure{EX_DATAERR, explain(watched.error(), config_->store.directory) + "\n"});
}

void Server::open_admin_socket() {
  if (store_ == nullptr) return;
  auto opened = AdminSocket::open(config_->store.directory,
                                  [this](const AdminCall& call) { return change(call); });
  if (opened) {
    admin_socket_ = std::move(*opened);
    return;
  }
  LogLine(control_.log(), LogLevel::kError,
          "commands cannot reach this gateway: it serves, but accounts and client keys of the "
          "store can be changed only while it does not run")
      .field("error", opened.error());
}

// Until all shards have the last directory that was published. A shard does not lock or signal for
// this: it reads its letters within a turn of its loop.
void Server::await_shards() {
  constexpr int kLooksMax = 5000;
  std::uint64_t expected = 0;
  {
    const std::lock_guard lock(stored_mutex_);
    expected = published_ * shards_.size();
  }
  for (int looks = 0; looks < kLooksMax && !draining(); ++looks) {
    if (taken_.load(std::memory_order_acquire) >= expected) return;
    std::this_thread::sleep_for(1ms);
  }
}

// On the thread of whoever asks.
AdminAnswer Server::change(const AdminCall& call) {
  if (store_ == nullptr)
    return {.exit_code = EX_UNAVAILABLE,
            .text = "nothing is stored: store.directory is none\n",
            .outcome = AdminOutcome::kNotStored};
  AdminAnswer answer;
  std::uint64_t before = 0;
  std::uint64_t reloads_before = 0;
  const auto kept = store_->run_job([&](Writer& writer) {
    const std::shared_ptr<const Config> config = config_in_force();
    AdminDesk desk(writer, *keys_, *config, clock_.unix_ms());
    answer = desk.answer(call);
    if (!answer.changed) return;
    auto entries = load_stored_entries(writer.environment(), keys_->vault);
    if (!entries) {
      answer.text += "but the gateway goes on with what it had: " + entries.error() + "\n";
      return;
    }
    const std::lock_guard lock(stored_mutex_);
    stored_ = std::make_shared<const StoredEntries>(std::move(*entries));
    if (answer.settings_changed) {
      settings_ = settings_in(writer.environment());
      settings_due_ = true;
    }
    before = published_;
    reloads_before = reloads_;
  });
  if (!kept) {
    answer.exit_code = EX_IOERR;
    answer.outcome = AdminOutcome::kFailed;
    answer.text += "it is done, but may not be on the disk: a loss of power could undo it. " +
                   explain(kept.error(), config_->store.directory) + "\n";
  }
  const bool told =
      answer.exit_code == EX_OK && (answer.changed || call.command == "providers.export");
  if (const auto event = event_of(call, answer); event && told) room_->tell(std::move(*event));
  if (!answer.changed) return answer;
  kill(getpid(), SIGUSR1);
  constexpr std::chrono::seconds kPatience(5);  // for a control shard that is busy
  std::unique_lock lock(stored_mutex_);
  news_.wait_for(lock, kPatience, [&] {
    const bool there = answer.settings_changed ? reloads_ > reloads_before : published_ > before;
    return there || draining();
  });
  lock.unlock();
  await_shards();
  lock.lock();
  if (answer.settings_changed && reloads_ > reloads_before && !reload_refusal_.errors.empty()) {
    answer.outcome = AdminOutcome::kFailed;
    answer.text += "it is stored, but not in force: " + reload_refusal_.text();
  }
  return answer;
}

std::shared_ptr<const StoredEntries> Server::stored_entries() {
  const std::lock_guard lock(stored_mutex_);
  return stored_;
}

std::shared_ptr<const Config> Server::config_in_force() {
  const std::lock_guard lock(stored_mutex_);
  // Of the starting one, which outlives this, nothing is owned.
  return reloaded_ != nullptr ? reloaded_
                              : std::shared_ptr<const Config>(std::shared_ptr<void>(), config_);
}

// Who wonders why an account is not used finds it here.
void Server::report_left_out(const Config& config) {
  const auto stored = stored_entries();
  if (stored == nullptr) return;
  for (const UnopenedAccount& account : stored->unopened) {
    LogLine(control_.log(), LogLevel::kError,
            "the key of an account does not open: it is not used until it is given its key again "
            "(dashboard, PUT /api/admin/backends/{id}) or removed (sluice providers remove)")
        .field("account", account.name)
        .field("error", account.why);
  }
  const std::string names = left_out(config, *stored);
  if (names.empty()) return;
  LogLine(control_.log(), LogLevel::kWarning,
          "accounts of the store are not used: the configuration file has one of that name, or "
          "there are too many")
      .field("accounts", names);
}

// The accounts and client keys of the store have changed; the configuration has only where
// settings did, and is then read anew, with what else has changed in its file.
void Server::take_stored() {
  bool load_anew = false;
  {
    const std::lock_guard lock(stored_mutex_);
    load_anew = std::exchange(settings_due_, false);
  }
  if (load_anew) return reload();
  const std::shared_ptr<const Config> in_force = config_in_force();
  const Config& config = *in_force;
  const auto stored = stored_entries();
  auto built = build_snapshot(config, stored.get(), snapshot_->directory.get());
  if (!built) {
    LogLine(control_.log(), LogLevel::kError, "the store's accounts are not taken")
        .field("error", built.error().text());
    return;
  }
  publish(config, std::move(*built));
  report_left_out(config);
  LogLine(control_.log(), LogLevel::kInfo, "accounts and client keys of the store taken")
      .field("accounts", static_cast<std::int64_t>(snapshot_->directory->accounts.size()))
      .field("clients", static_cast<std::int64_t>(snapshot_->directory->clients.size()));
}

}  // namespace sluice
