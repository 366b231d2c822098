// The server's administrator: what he sees of it, and what he can have it do.
#include <signal.h>
#include <sysexits.h>
#include <unistd.h>

#include <cstring>

#include "admin/admin_token.h"
#include "engine/net/address.h"
#include "engine/server.h"
#include "tls/random.h"

namespace sluice {
namespace {

// Of this gateway and its token: another one of either makes another key. Without a master key
// cookies last as long as the process.
Sha256Digest cookie_key(const std::optional<KeyRing>& keys, const Sha256Digest& token) {
  if (keys) return hmac_sha256(keys->master.digits().reveal(), text_of(token));
  Sha256Digest drawn;
  random_fill(drawn);
  return drawn;
}

}  // namespace

std::expected<void, StartFailure> Server::open_admin() {
  AccessRules rules;
  {
    std::optional<Writer> writer;
    if (store_ != nullptr) writer.emplace(store_->environment());
    auto token = open_admin_token(config_->store, ProcessEnvironment(), writer ? &*writer : nullptr,
                                  control_.log());
    if (!token) return std::unexpected(token.error());
    rules.token = *token;
  }
  if (rules.token) rules.cookie_key = cookie_key(keys_, *rules.token);
  rules.doors = doors_of(*config_in_force());
  room_.emplace(static_cast<Gateway&>(*this), std::move(rules));
  const auto index = static_cast<std::uint32_t>(shards_.size() + 1);
  // A connection that comes back goes to one shard after the other.
  const auto give_back = [this, next = std::size_t{0}](Shard& from, int fd,
                                                       std::string bytes) mutable {
    GatewayShard& shard = *shards_[next++ % shards_.size()];
    shard.resume_from(from, fd, std::move(bytes));
  };
  admin_ = std::make_unique<AdminThread>(
      *room_, Shard::Options{.index = index, .seed = random_seed(), .spin_max = 0us}, clock_,
      Log(log_writer_.add_producer(), clock_, config_->log.level, config_->log.format), give_back);
  for (const auto& shard : shards_) shard->admit_to(*admin_);
  if (const std::string failed = admin_->prepare_probes(); !failed.empty())
    LogLine(control_.log(), LogLevel::kWarning, "no health probes").field("error", failed);
  return {};
}

std::expected<void, StartFailure> Server::open_admin_listeners() {
  struct Wanted {
    const std::vector<ListenAddress>& addresses;
    AdminThread::Serves serves;
    std::string_view path;
  };
  const Wanted lists[] = {
      {config_->admin.listen, AdminThread::Serves::kAll, "admin.listen"},
      {config_->metrics_listen, AdminThread::Serves::kMetrics, "metrics.listen"}};
  for (const Wanted& list : lists) {
    for (const ListenAddress& wanted : list.addresses) {
      for (const IpAddress& ip : wanted.ips()) {
        const auto got = admin_->listen(socket_address(ip, wanted.port), list.serves);
        if (got) {
          LogLine(control_.log(), LogLevel::kInfo, "listening on its own")
              .field("for", list.path)
              .field("url", "http://" + address_text(*got));
          continue;
        }
        if (&ip != wanted.ips().data() && lacks_family(got.error())) continue;
        const std::string text = std::string(list.path) + ": cannot listen on " +
                                 address_text(socket_address(ip, wanted.port)) + ": " +
                                 std::strerror(got.error().os_errno);
        // Nobody has asked for the default: another gateway of this machine may have it.
        if (config_->origin_of(list.path).kind != Place::Kind::kDefault)
          return std::unexpected(StartFailure{EX_OSERR, text + "\n"});
        LogLine(control_.log(), LogLevel::kWarning, "no listener for metrics: they are at /metrics")
            .field("error", text);
      }
    }
  }
  return {};
}

std::shared_ptr<const Snapshot> Server::snapshot() {
  const std::lock_guard lock(stored_mutex_);
  return in_force_;
}
std::shared_ptr<const Directory> Server::directory() { return snapshot()->directory; }

StoreEnvironment* Server::store() { return store_ == nullptr ? nullptr : &store_->environment(); }

std::vector<ShardFigures> Server::shards() {
  std::vector<ShardFigures> figures;
  for (const auto& shard : shards_) figures.push_back(shard->figures());
  return figures;
}

std::vector<const DecisionLog*> Server::decisions() {
  std::vector<const DecisionLog*> logs;
  for (const auto& shard : shards_) logs.push_back(&shard->worker().decisions);
  return logs;
}

std::optional<StoreNumbers> Server::store_numbers() {
  if (store_ == nullptr) return std::nullopt;
  const StoreFigures figures = store_->figures();
  StoreNumbers numbers{.journal_records = figures.backlog(),
                       .journal_file_bytes = figures.journal_file_bytes,
                       .journal_memory_bytes = figures.journal_memory_bytes,
                       .records_booked = figures.records_booked,
                       .journal_failing = figures.journal_errno != 0,
                       .failing = figures.troubles != 0,
                       .database_bytes = figures.database_bytes_used,
                       .database_bytes_max = figures.database_bytes_max,
                       .since_sync = figures.since_sync,
                       .backup_failed = figures.backup_failed};
  if (figures.last_backup_ms != 0) numbers.backup_unix_ms = figures.last_backup_ms;
  return numbers;
}

void Server::note_reload(ConfigErrors refusal) {
  if (refusal.errors.empty()) {
    room_->tell(EventKind::kReloaded, "The configuration was read again.");
  } else {
    const std::string error = refusal.text();
    room_->tell(EventKind::kReloadFailed, "The reload was refused, nothing has changed: " + error,
                {{"error", error}});
  }
  {
    const std::lock_guard lock(stored_mutex_);
    ++reloads_;
    reload_refusal_ = std::move(refusal);
  }
  news_.notify_all();
}

std::expected<void, ConfigErrors> Server::reload_now() {
  constexpr std::chrono::seconds kPatience(30);
  std::unique_lock lock(stored_mutex_);
  const std::uint64_t before = reloads_;
  kill(getpid(), SIGHUP);
  if (!news_.wait_for(lock, kPatience, [&] { return reloads_ > before; }))
    return std::unexpected(ConfigErrors{{{{}, "the reload takes too long; see the log"}}, {}});
  if (!reload_refusal_.errors.empty()) return std::unexpected(reload_refusal_);
  return {};
}

void Server::drain_now() { kill(getpid(), SIGTERM); }

}  // namespace sluice
