#include "engine/config/schema.h"

#include <fmt/format.h>

#include <algorithm>

namespace sluice {
namespace {

constexpr NamedValue<Dialect> kDialects[] = {{"openai", Dialect::kOpenAi},
                                             {"openai-completions", Dialect::kOpenAi, true},
                                             {"anthropic", Dialect::kAnthropic}};
constexpr NamedValue<Pool> kPools[] = {
    {"primary", Pool::kPrimary}, {"main", Pool::kPrimary, true}, {"fallback", Pool::kFallback}};
constexpr NamedValue<BucketShape> kBuckets[] = {{"rolling", BucketShape::kRolling},
                                                {"steady", BucketShape::kSteady}};
constexpr NamedValue<Strategy> kStrategies[] = {
    {"weighted", Strategy::kWeighted}, {"round_robin", Strategy::kRoundRobin},
    {"ordered", Strategy::kOrdered},   {"least_inflight", Strategy::kLeastInflight},
    {"latency", Strategy::kLatency},   {"cheapest", Strategy::kCheapest}};
constexpr NamedValue<Affinity> kAffinities[] = {
    {"off", Affinity::kOff}, {"user", Affinity::kUser}, {"session", Affinity::kSession}};
constexpr NamedValue<Priority> kPriorityWords[] = {{"urgent", Priority::kUrgent},
                                                   {"high", Priority::kHigh},
                                                   {"normal", Priority::kNormal},
                                                   {"low", Priority::kLow}};
constexpr NamedValue<BudgetPeriod> kBudgetPeriodWords[] = {
    {"total", BudgetPeriod::kTotal}, {"day", BudgetPeriod::kDay}, {"month", BudgetPeriod::kMonth}};
// The predecessor's variable says true or false.
constexpr NamedValue<Overflow> kOverflows[] = {{"passthrough", Overflow::kPassthrough},
                                               {"reject", Overflow::kReject},
                                               {"drop_lowest", Overflow::kDropLowest},
                                               {"true", Overflow::kPassthrough, true},
                                               {"false", Overflow::kReject, true}};
constexpr NamedValue<LogLevel> kLogLevels[] = {
    {"debug", LogLevel::kDebug},     {"info", LogLevel::kInfo},
    {"warning", LogLevel::kWarning}, {"warn", LogLevel::kWarning, true},
    {"error", LogLevel::kError},     {"critical", LogLevel::kError, true}};
constexpr NamedValue<LogFormat> kLogFormats[] = {
    {"text", LogFormat::kText}, {"console", LogFormat::kText, true}, {"json", LogFormat::kJson}};

constexpr Duration kTimerMin = 1ms;
constexpr Duration kTimerMax = 24h;
constexpr std::uint32_t kTokensMax = 1'000'000'000;  // what a token window counts, in round figures

class ListenList final : public TextList {
 public:
  explicit ListenList(std::vector<ListenAddress>& list) : list_(&list) {}
  void clear() override { list_->clear(); }
  std::string_view add(std::string_view text) override {
    const auto address = parse_listen_address(text);
    if (!address) return address.error();
    list_->push_back(*address);
    return {};
  }
  std::vector<std::string> texts() const override {
    std::vector<std::string> out;
    for (const ListenAddress& address : *list_) out.push_back(address.text());
    return out;
  }
  std::string expected() const override { return std::string(kListenAddressExpected); }

 private:
  std::vector<ListenAddress>* list_;
};

// Names by which browsers know the gateway, without a port; kept in lower case.
class HostNameList final : public TextList {
 public:
  explicit HostNameList(std::vector<std::string>& list) : list_(&list) {}
  void clear() override { list_->clear(); }
  std::string_view add(std::string_view text) override {
    constexpr std::string_view kCharacters =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    if (text.empty() || text.size() > 253 || text.find_first_not_of(kCharacters) != text.npos)
      return "is not a host name";
    std::string& name = list_->emplace_back(text);
    for (char& c : name)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    return {};
  }
  std::vector<std::string> texts() const override { return *list_; }
  std::string expected() const override { return "a host name like sluice.example.com"; }

 private:
  std::vector<std::string>* list_;
};

class ModelNameList final : public TextList {
 public:
  explicit ModelNameList(std::vector<std::string>& list) : list_(&list) {}
  void clear() override { list_->clear(); }
  std::string_view add(std::string_view text) override {
    if (const auto problem = kModelRule.check(text); !problem.empty()) return problem;
    if (std::ranges::find(*list_, text) != list_->end()) return "stands here twice";
    list_->emplace_back(text);
    return {};
  }
  std::vector<std::string> texts() const override { return *list_; }
  std::string expected() const override { return std::string(kModelRule.expected); }

 private:
  std::vector<std::string>* list_;
};

void describe(KeyVisitor& v, CertificateFiles& files) {
  v.scalar("certificate", TextScalar(files.certificate_file, kPathRule), Need::kRequired);
  v.scalar("key", TextScalar(files.key_file, kPathRule), Need::kRequired);
}

void describe(KeyVisitor& v, LimitsConfig& limits) {
  v.scalar("body_bytes_max", SizeScalar(limits.body_bytes_max, kKiB, 1024 * kMiB));
  v.scalar("body_memory_max", SizeScalar(limits.body_memory_max, kMiB, 1024 * 1024 * kMiB));
  v.scalar("connections_max", IntegerScalar(limits.connections_max, 1, 1'000'000));
}

void describe(KeyVisitor& v, AccountTimeouts& timeouts) {
  v.scalar("connect", DurationScalar(timeouts.connect, kTimerMin, kTimerMax));
  v.scalar("first_byte", DurationScalar(timeouts.first_byte, kTimerMin, kTimerMax));
  v.scalar("first_token", DurationScalar(timeouts.first_token, 0s, kTimerMax));
  v.scalar("idle", DurationScalar(timeouts.idle, kTimerMin, kTimerMax));
  v.scalar("total", DurationScalar(timeouts.total, kTimerMin, 7 * kTimerMax));
}

void describe(KeyVisitor& v, TimeoutsConfig& timeouts) {
  const auto timer = [&](std::string_view key, Duration& value) {
    v.scalar(key, DurationScalar(value, kTimerMin, kTimerMax));
  };
  timer("tls_handshake", timeouts.tls_handshake);
  timer("request_head", timeouts.request_head);
  timer("body_idle", timeouts.body_idle);
  v.scalar("body_rate_min", SizeScalar(timeouts.body_rate_min, 0, kMiB));
  timer("body_rate_after", timeouts.body_rate_after);
  timer("keep_alive", timeouts.keep_alive);
  timer("client_stalled", timeouts.client_stalled);
  v.section("upstream", [&](KeyVisitor& u) { describe(u, timeouts.upstream); });
  timer("pooled_idle", timeouts.pooled_idle);
  timer("pooled_age", timeouts.pooled_age);
}

void describe(KeyVisitor& v, DrainConfig& drain) {
  v.scalar("delay", DurationScalar(drain.delay, 0s, 1h));
  v.scalar("grace", DurationScalar(drain.grace, 0s, kTimerMax));
}

// The limit of an account, or the one that accounts inherit.
template <class T>
void describe_limit(KeyVisitor& v, T& holder) {
  v.scalar("rpm_limit", rpm_limit_scalar(holder.rpm_limit));
  v.scalar("window", DurationScalar(holder.window, 1s, 24h));
  v.scalar("bucket", ChoiceScalar<BucketShape>(holder.bucket, kBuckets));
  v.scalar("tpm_limit", IntegerScalar(holder.tpm_limit, 0, kTokensMax));
  v.scalar("rpd_limit", IntegerScalar(holder.rpd_limit, 0, 1'000'000'000));
  v.scalar("concurrent_limit", IntegerScalar(holder.concurrent_limit, 0, 1'000'000));
  v.scalar("learn_limits", BooleanScalar(holder.learn_limits));
}

void describe(KeyVisitor& v, ClientConfig& client) {
  v.scalar("name", TextScalar(client.name, kClientNameRule), Need::kRequired);
  v.scalar("key", ClientKeyScalar(client), Need::kRequired);
  v.texts("models", ModelNameList(client.models));
  v.scalar("priority", ChoiceScalar<Priority>(client.priority, kPriorityWords));
  v.scalar("priority_max", ChoiceScalar<Priority>(client.priority_max, kPriorityWords));
  v.scalar("rpm_limit", IntegerScalar(client.rpm_limit, 0, 1'000'000));
  v.scalar("tpm_limit", IntegerScalar(client.tpm_limit, 0, kTokensMax));
  v.scalar("concurrent_limit", IntegerScalar(client.concurrent_limit, 0, 1'000'000));
  v.scalar("budget_usd", BudgetScalar(client.budget_nano_dollars));
  v.scalar("budget_period", ChoiceScalar<BudgetPeriod>(client.budget_period, kBudgetPeriodWords));
}

void describe(KeyVisitor& v, CooldownPolicy& cooldown) {
  v.scalar("base", DurationScalar(cooldown.base, kCooldownShortest, 1h));
  v.scalar("max", DurationScalar(cooldown.max, kCooldownShortest, 24h));
}

void describe(KeyVisitor& v, BreakerPolicy& breaker) {
  constexpr std::uint32_t kFailuresMax = 255;  // that many fit the breaker's word
  v.scalar("failures", IntegerScalar(breaker.failures, 0, kFailuresMax));
  v.scalar("open", DurationScalar(breaker.open, 1s, 1h));
  v.scalar("open_max", DurationScalar(breaker.open_max, 1s, 24h));
}

void describe(KeyVisitor& v, RetreatPolicy& retreat) {
  v.scalar("enabled", BooleanScalar(retreat.enabled));
  v.scalar("window", DurationScalar(retreat.window, 1s, 1h));
  v.scalar("answers_min", IntegerScalar(retreat.answers_min, 1, 1'000'000));
  v.scalar("percent", PercentScalar(retreat.retreat_rate, 1, 100));
  v.scalar("percent_twice", PercentScalar(retreat.retreat_twice_rate, 1, 100));
  v.scalar("factor_percent", PercentScalar(retreat.factor, 1, 99));
  v.scalar("floor", IntegerScalar(retreat.floor_rpm, 1, 1'000'000));
  v.scalar("calm_percent", PercentScalar(retreat.calm_rate, 1, 100));
  v.scalar("calm", DurationScalar(retreat.calm, 1s, 24h));
  v.scalar("step", IntegerScalar(retreat.step_rpm, 1, 1'000'000));
  v.scalar("step_every", DurationScalar(retreat.step, 1s, 1h));
}

void describe(KeyVisitor& v, QueuePolicy& queue) {
  constexpr std::uint32_t kCapacityMax = 1'000'000;
  v.scalar("capacity", IntegerScalar(queue.capacity, 0, kCapacityMax));
  v.section("wait", [&](KeyVisitor& w) {
    for (std::size_t rank = 0; rank < kPriorities; ++rank)
      w.scalar(kPriorityNames[rank], DurationScalar(queue.wait[rank], 0s, 1h));
  });
  v.scalar("overflow", ChoiceScalar<Overflow>(queue.overflow, kOverflows));
  v.scalar("precheck", DurationScalar(queue.precheck, 0s, 1h));
  v.scalar("primary_wait", DurationScalar(queue.primary_wait, 0s, 1h));
  v.scalar("comments", DurationScalar(queue.comments, 0s, 1h));
}

void describe(KeyVisitor& v, HedgePolicy& hedge) {
  v.scalar("after", DurationScalar(hedge.after, 0s, 1h));
  v.scalar("percent", IntegerScalar(hedge.percent, 1, 100));
}

void describe_routing(KeyVisitor& v, Config& config) {
  v.scalar("strategy", ChoiceScalar<Strategy>(config.routing.strategy, kStrategies));
  v.scalar("affinity", ChoiceScalar<Affinity>(config.routing.affinity, kAffinities));
  v.section("cooldown", [&](KeyVisitor& c) { describe(c, config.routing.cooldown); });
  v.section("retreat", [&](KeyVisitor& r) { describe(r, config.routing.retreat); });
  v.section("breaker", [&](KeyVisitor& b) { describe(b, config.routing.breaker); });
  v.scalar("guard", DurationScalar(config.routing.guard, 0s, 10s));
  v.scalar("emergency_percent", IntegerScalar(config.routing.emergency_percent, 1, 50));
  v.section("retry", [&](KeyVisitor& r) {
    constexpr std::uint32_t kPercentMax = 10'000;  // a hundred retries for each request: no budget
    r.scalar("on_timeout", BooleanScalar(config.routing.retry_on_timeout));
    r.scalar("budget_percent", IntegerScalar(config.routing.retry_budget_percent, 0, kPercentMax));
    r.scalar("budget_floor", IntegerScalar(config.routing.retry_budget_floor, 0, 1'000'000));
  });
  v.scalar("default_model", TextScalar(config.default_model, kOptionalModelRule));
}

void describe(KeyVisitor& v, LogConfig& log) {
  v.scalar("level", ChoiceScalar<LogLevel>(log.level, kLogLevels));
  v.scalar("format", ChoiceScalar<LogFormat>(log.format, kLogFormats));
}

template <class T>
class SectionsOf final : public SectionList {
 public:
  SectionsOf(std::vector<T>& items, std::size_t size_max) : items_(&items), size_max_(size_max) {}
  std::size_t size() const override { return items_->size(); }
  std::size_t size_max() const override { return size_max_; }
  void add() override { items_->emplace_back(); }
  void visit(std::size_t index, KeyVisitor& visitor) override {
    describe(visitor, (*items_)[index]);
  }

 private:
  std::vector<T>* items_;
  std::size_t size_max_;
};

}  // namespace

ChoiceScalar<Pool> pool_scalar(Pool& pool) { return ChoiceScalar<Pool>(pool, kPools); }

IntegerScalar rpm_limit_scalar(std::uint32_t& rpm_limit) {
  return IntegerScalar(rpm_limit, 1, 1'000'000);
}

void inherit_input_price(Price& price, const std::function<bool(std::string_view)>& given) {
  if (!given("cached_read")) price.cached_read = price.input;
  if (!given("cached_write")) price.cached_write = price.input;
}

void describe(KeyVisitor& v, AccountConfig& account) {
  v.scalar("name", TextScalar(account.name, kNameRule), Need::kRequired);
  v.scalar("base_url", TextScalar(account.base_url, kBaseUrlRule), Need::kRequired);
  v.scalar("api_key", SecretScalar(account.api_key), Need::kRequired);
  v.scalar("dialect", ChoiceScalar<Dialect>(account.dialect, kDialects));
  v.scalar("pool", pool_scalar(account.pool));
  v.scalar("enabled", BooleanScalar(account.enabled));
  describe_limit(v, account);
  v.scalar("emergency", BooleanScalar(account.emergency));
  v.scalar("weight", IntegerScalar(account.weight, 1, 1000));
  v.section("cost", [&](KeyVisitor& c) {
    c.scalar("input", PriceScalar(account.cost.input));
    c.scalar("output", PriceScalar(account.cost.output));
    c.scalar("cached_read", PriceScalar(account.cost.cached_read));
    c.scalar("cached_write", PriceScalar(account.cost.cached_write));
  });
  v.scalar("model_prefix", TextScalar(account.model_prefix, kOptionalModelRule));
  v.models("models", account.models);
  v.scalar("ca_file", TextScalar(account.ca_file, kOptionalPathRule));
  v.section("timeouts", [&](KeyVisitor& t) { describe(t, account.timeouts); });
  v.scalar("send_via", BooleanScalar(account.send_via));
}

void describe(KeyVisitor& v, StoreConfig& store) {
  v.section("store", [&](KeyVisitor& s) {
    s.scalar("directory", TextScalar(store.directory, kOptionalPathRule));
    s.scalar("key_file", TextScalar(store.key_file, kOptionalPathRule));
    s.scalar("bytes_max", SizeScalar(store.bytes_max, 64 * kMiB, 16 * 1024 * 1024 * kMiB));
    s.scalar("any_file_system", BooleanScalar(store.any_file_system));
  });
  v.section("usage", [&](KeyVisitor& s) {
    s.scalar("keep_requests", DurationScalar(store.keep_requests, 0s, 3660 * 24h));
  });
  v.section("backup", [&](KeyVisitor& s) {
    s.scalar("directory", TextScalar(store.backup_directory, kOptionalPathRule));
    s.scalar("keep", IntegerScalar(store.backups_keep, 0, 3660));
  });
}

void describe(KeyVisitor& v, AdminConfig& admin) {
  v.texts("listen", ListenList(admin.listen));
  v.texts("hosts", HostNameList(admin.hosts));
  v.scalar("public_read", BooleanScalar(admin.public_read));
  v.scalar("private_upstreams", BooleanScalar(admin.private_upstreams));
}

void describe(KeyVisitor& v, HealthConfig& health) {
  // Providers see each probe; with more often than that they may take them for an attack.
  constexpr Duration kIntervalMin = 1s;
  v.scalar("interval",
           DurationScalar(health.interval, kIntervalMin, 24h, DurationScalar::Zero::kIsNever));
  v.scalar("counts", BooleanScalar(health.counts));
}

void describe(KeyVisitor& v, Config& config) {
  constexpr std::size_t kShardsMax = 256;
  constexpr std::size_t kCertificatesMax = 256;
  constexpr std::size_t kClientsMax = 100'000;
  v.texts("listen", ListenList(config.listen));
  v.scalar("shards", IntegerScalar(config.shards, 1, kShardsMax));
  v.sections("tls", SectionsOf(config.tls, kCertificatesMax));
  v.section("limits", [&](KeyVisitor& s) { describe(s, config.limits); });
  v.section("timeouts", [&](KeyVisitor& s) { describe(s, config.timeouts); });
  v.section("drain", [&](KeyVisitor& s) { describe(s, config.drain); });
  v.section("account_defaults", [&](KeyVisitor& s) { describe_limit(s, config.account_defaults); });
  v.sections("accounts", SectionsOf(config.accounts, kDirectoryAccountsMax));
  v.sections("clients", SectionsOf(config.clients, kClientsMax));
  v.section("auth", [&](KeyVisitor& s) { s.scalar("open", BooleanScalar(config.auth_open)); });
  v.section("routing", [&](KeyVisitor& s) { describe_routing(s, config); });
  v.section("queue", [&](KeyVisitor& s) { describe(s, config.routing.queue); });
  v.section("hedge", [&](KeyVisitor& s) { describe(s, config.routing.hedge); });
  describe(v, config.store);
  v.section("admin", [&](KeyVisitor& s) { describe(s, config.admin); });
  v.section("health", [&](KeyVisitor& s) { describe(s, config.health); });
  v.section("metrics",
            [&](KeyVisitor& s) { s.texts("listen", ListenList(config.metrics_listen)); });
  v.section("log", [&](KeyVisitor& s) { describe(s, config.log); });
  v.section("headers",
            [&](KeyVisitor& s) { s.scalar("identity", BooleanScalar(config.identity_headers)); });
}

std::string join_path(std::string_view base, std::string_view key) {
  return base.empty() ? std::string(key) : fmt::format("{}.{}", base, key);
}

}  // namespace sluice
