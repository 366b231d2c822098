// The server's store: opened at the start, changed by commands while it runs.
#include <signal.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>

#include "admin/stored_entries.h"
#include "engine/build_snapshot.h"
#include "engine/restore_spent.h"
#include "engine/server.h"

namespace sluice {

std::expected<void, StartFailure> Server::open_store() {
  if (config_->store.directory.empty()) {
    LogLine(control_.log(), LogLevel::kWarning,
            "store.directory is none: what requests use and cost is not recorded");
    return {};
  }
  const auto log = [this] {
    return Log(log_writer_.add_producer(), clock_, config_->log.level, config_->log.format);
  };
  auto opened = StoreThread::open(config_->store, config_->shards, clock_, log(), log());
  if (!opened) return std::unexpected(opened.error());
  store_ = std::move(*opened);
  Writer writer(store_->environment());
  auto keys = open_key_ring(config_->store, ProcessEnvironment(), writer, clock_.unix_ms());
  if (!keys) return std::unexpected(keys.error());
  keys_ = std::move(*keys);
  auto entries = load_stored_entries(store_->environment(), keys_->vault);
  if (!entries) return std::unexpected(StartFailure{EX_DATAERR, entries.error() + "\n"});
  stored_ = std::make_shared<const StoredEntries>(std::move(*entries));
  return {};
}

// What check_servable() has left open, now that it is known what the store has.
std::expected<void, StartFailure> Server::check_entries() const {
  const bool guarded = !config_->clients.empty() || (stored_ != nullptr && stored_->guarded);
  const bool apart = std::ranges::all_of(config_->listen, &ListenAddress::is_loopback);
  if (!guarded && !apart && !config_->auth_open) {
    return std::unexpected(StartFailure{
        EX_CONFIG,
        "an address can be reached from other machines, and no client key guards the accounts: "
        "make one (sluice clients create), listen on 127.0.0.1, or say auth.open: true if "
        "everyone who reaches it may spend them\n"});
  }
  if (config_->accounts.empty() && (stored_ == nullptr || stored_->accounts.empty())) {
    LogLine(control_.log(), LogLevel::kWarning,
            "there is no account to send requests to yet: sluice providers add");
  }
  return {};
}

std::expected<void, StartFailure> Server::remember_spent() {
  if (store_ == nullptr) return {};
  const auto remembered =
      restore_spent(store_->environment(), *snapshot_->directory, clock_.now(), clock_.unix_ms());
  const auto watched = remembered ? store_->watch(snapshot_->directory)
                                  : StoreResult<void>(store_fail(remembered.error()));
  if (watched) return {};
  return std::unexpected(
      StartFailure{EX_DATAERR, explain(watched.error(), config_->store.directory) + "\n"});
}

void Server::open_admin_socket() {
  if (store_ == nullptr) return;
  auto opened = AdminSocket::open(config_->store.directory,
                                  [this](const AdminCall& call) { return answer_call(call); });
  if (opened) {
    admin_socket_ = std::move(*opened);
    return;
  }
  LogLine(control_.log(), LogLevel::kError,
          "commands cannot reach this gateway: it serves, but accounts and client keys of the "
          "store can be changed only while it does not run")
      .field("error", opened.error());
}

// On the admin socket's thread.
AdminAnswer Server::answer_call(const AdminCall& call) {
  AdminAnswer answer;
  store_->run_job([&](Writer& writer) {
    AdminDesk desk(writer, *keys_, *config_, clock_.unix_ms());
    answer = desk.answer(call);
    if (!answer.changed) return;
    auto entries = load_stored_entries(writer.environment(), keys_->vault);
    if (!entries) {
      answer.text += "but the gateway goes on with what it had: " + entries.error() + "\n";
      return;
    }
    const std::lock_guard lock(stored_mutex_);
    stored_ = std::make_shared<const StoredEntries>(std::move(*entries));
  });
  if (answer.changed) kill(getpid(), SIGUSR1);
  return answer;
}

std::shared_ptr<const StoredEntries> Server::stored_entries() {
  const std::lock_guard lock(stored_mutex_);
  return stored_;
}

// The accounts and client keys of the store have changed; the configuration has not.
void Server::take_stored() {
  const Config& config = reloaded_ != nullptr ? *reloaded_ : *config_;
  const auto stored = stored_entries();
  auto built = build_snapshot(config, stored.get(), snapshot_->directory.get());
  if (!built) {
    LogLine(control_.log(), LogLevel::kError, "the store's accounts are not taken")
        .field("error", built.error());
    return;
  }
  publish(config, std::move(*built));
  LogLine(control_.log(), LogLevel::kInfo, "accounts and client keys of the store taken")
      .field("accounts", static_cast<std::int64_t>(snapshot_->directory->accounts.size()))
      .field("clients", static_cast<std::int64_t>(snapshot_->directory->clients.size()));
}

}  // namespace sluice
