#include "engine/config/provider_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "engine/config/reader.h"
#include "engine/config/redact.h"
#include "engine/route/directory.h"

namespace sluice {
namespace {

constexpr std::string_view kMask = "****";  // as redacted() writes it

// NoEnvironment - for files that refer to nothing.
class NoEnvironment final : public Environment {
 public:
  std::optional<std::string_view> find(std::string_view) const override { return std::nullopt; }
  std::vector<std::string> names(std::string_view) const override { return {}; }
};

// ProviderKeyScalar - the api_key of an entry: a key, or ${NAME} where `env` is not null.
class ProviderKeyScalar final : public Scalar {
 public:
  ProviderKeyScalar(ProviderEntry& entry, const Environment* env) : entry_(&entry), env_(env) {}
  std::string_view set(std::string_view text) override;
  std::string text() const override { return redacted(entry_->account.api_key.reveal()); }
  std::string expected() const override {
    return std::string(kKeyRule.expected) +
           (env_ == nullptr ? "" : ", or ${NAME} for an environment variable");
  }
  bool is_secret() const override { return true; }
  bool is_text() const override { return true; }

 private:
  std::string_view set_from_variable(std::string_view name);
  ProviderEntry* entry_;
  const Environment* env_;
};

std::string_view ProviderKeyScalar::set(std::string_view text) {
  if (text.empty()) return "is empty";
  if (text.find(kMask) != std::string_view::npos)
    return "is masked; export the accounts with their keys in clear, or write the key here";
  if (text.starts_with("${") && text.ends_with("}"))
    return set_from_variable(text.substr(2, text.size() - 3));
  return SecretScalar(entry_->account.api_key).set(text);
}

std::string_view ProviderKeyScalar::set_from_variable(std::string_view name) {
  for (const std::string_view own : {"SIDECAR_ENCRYPTION_KEY", "SIDECAR_ADMIN_TOKEN"})
    if (name == own) return "names a secret of the gateway itself";
  if (env_ == nullptr) return "names an environment variable; an import takes none";
  const auto value = env_->find(name);
  if (!value || value->empty()) return "names an environment variable that is not set";
  const std::string_view problem = SecretScalar(entry_->account.api_key).set(*value);
  if (problem.empty()) entry_->key_variable = name;
  return problem;
}

// ModelCostList - the model_costs of an entry.
class ModelCostList final : public SectionList {
 public:
  explicit ModelCostList(std::vector<ModelMapping>& costs) : costs_(&costs) {}
  std::size_t size() const override { return costs_->size(); }
  std::size_t size_max() const override { return kModelCostsMax; }
  void add() override { costs_->emplace_back(); }
  void visit(std::size_t index, KeyVisitor& v) override {
    ModelMapping& mapping = (*costs_)[index];
    v.scalar("model", TextScalar(mapping.canonical, kModelRule), Need::kRequired);
    v.scalar("input", PriceScalar(mapping.cost.input));
    v.scalar("output", PriceScalar(mapping.cost.output));
    v.scalar("cached_read", PriceScalar(mapping.cost.cached_read));
    v.scalar("cached_write", PriceScalar(mapping.cost.cached_write));
  }

 private:
  static constexpr std::size_t kModelCostsMax =
      10'000;  // one for each of a large provider's models
  std::vector<ModelMapping>* costs_;
};

void describe_provider(KeyVisitor& v, ProviderEntry& entry, const Environment* env) {
  AccountConfig& account = entry.account;
  v.scalar("account", TextScalar(account.name, kNameRule), Need::kRequired);
  v.scalar("email", OptionalTextScalar(entry.notes.email, kNoteRule));
  v.scalar("api_key", ProviderKeyScalar(entry, env), Need::kRequired);
  v.scalar("endpoint_url", TextScalar(account.base_url, kBaseUrlRule), Need::kRequired);
  v.scalar("model_prefix", OptionalTextScalar(account.model_prefix, kOptionalModelRule));
  v.scalar("pool", pool_scalar(account.pool));
  v.scalar("rpm_limit", rpm_limit_scalar(account.rpm_limit));
  v.scalar("notes", OptionalTextScalar(entry.notes.notes, kNoteRule));
  describe_other_members(v, entry);
}

using ModelCosts = std::vector<ModelMapping>;  // without native names

class ProviderList final : public SectionList {
 public:
  // `costs` gets the model_costs of each entry.
  ProviderList(std::vector<ProviderEntry>& entries, std::vector<ModelCosts>& costs,
               const Environment* env)
      : entries_(&entries), costs_(&costs), env_(env) {}
  std::size_t size() const override { return entries_->size(); }
  std::size_t size_max() const override { return kDirectoryAccountsMax; }
  void add() override {
    entries_->emplace_back();
    costs_->emplace_back();
  }
  void visit(std::size_t index, KeyVisitor& visitor) override {
    describe_provider(visitor, (*entries_)[index], env_);
    visitor.sections("model_costs", ModelCostList((*costs_)[index]));
  }

 private:
  std::vector<ProviderEntry>* entries_;
  std::vector<ModelCosts>* costs_;
  const Environment* env_;
};

std::string entry_path(std::size_t entry) { return fmt::format("providers[{}]", entry); }

void check_names(const std::vector<ProviderEntry>& entries, const Origins& origins,
                 Findings& findings) {
  std::map<std::string_view, std::size_t> first;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::string& name = entries[i].account.name;
    if (name.empty()) continue;  // refused
    const auto [at, is_new] = first.try_emplace(name, i);
    if (is_new) continue;
    const std::string path = entry_path(i) + ".account";
    findings.refuse(
        origins.at(path),
        fmt::format("{}: the name \"{}\" is taken by {} (line {})", path, name,
                    entry_path(at->second), origins.at(entry_path(at->second) + ".account").line),
        path);
  }
}

// The price at `path` ("providers[0].cost"), with what it inherits.
Price complete_price(Price price, const std::string& path, const Origins& origins) {
  inherit_input_price(price, [&](std::string_view key) {
    return origins.contains(fmt::format("{}.{}", path, key));
  });
  return price;
}

// The prices go to the mappings that they are of.
void take_costs(const ModelCosts& costs, std::size_t index, ProviderEntry& entry,
                const Origins& origins, Findings& findings) {
  entry.account.cost = complete_price(entry.account.cost, entry_path(index) + ".cost", origins);
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < costs.size(); ++i) {
    const std::string at = fmt::format("{}.model_costs[{}]", entry_path(index), i);
    const std::string path = at + ".model";
    const std::string& name = costs[i].canonical;
    if (name.empty()) continue;  // refused
    const auto model = std::ranges::find(entry.account.models, name, &ModelMapping::canonical);
    const bool twice = !seen.insert(name).second;
    if (model == entry.account.models.end() || twice)
      findings.refuse(
          origins.at(path),
          fmt::format("{}: {} {}; expected a name under models, once", path, quoted_value(name),
                      twice ? "stands here twice" : "is none of them"),
          path);
    else model->cost = complete_price(costs[i].cost, at, origins);
  }
}

// Those of the values that an account has of account_defaults and timeouts unless it gives them.
AccountOverrides overrides_at(std::size_t index, const AccountConfig& account,
                              const Origins& origins) {
  const auto given = [&](std::string_view key, auto value) {
    return origins.contains(fmt::format("{}.{}", entry_path(index), key)) ? std::optional(value)
                                                                          : std::nullopt;
  };
  return {.rpm_limit = given("rpm_limit", account.rpm_limit),
          .tpm_limit = given("tpm_limit", account.tpm_limit),
          .rpd_limit = given("rpd_limit", account.rpd_limit),
          .concurrent_limit = given("concurrent_limit", account.concurrent_limit),
          .window = given("window", account.window),
          .connect = given("timeouts.connect", account.timeouts.connect),
          .first_byte = given("timeouts.first_byte", account.timeouts.first_byte),
          .first_token = given("timeouts.first_token", account.timeouts.first_token),
          .idle = given("timeouts.idle", account.timeouts.idle),
          .total = given("timeouts.total", account.timeouts.total),
          .bucket = given("bucket", account.bucket),
          .learn_limits = given("learn_limits", account.learn_limits)};
}

// Which entry a finding is about: that of its path, else the last one that begins before it.
ProviderFault fault_of(const Finding& finding, const std::vector<ProviderEntry>& entries,
                       const Origins& origins) {
  ProviderFault fault{.entry = {},
                      .account = {},
                      .field = {},
                      .line = finding.place.line,
                      .message = finding.message};
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto origin = origins.find(entry_path(i));
    if (origin == origins.end()) continue;
    const Place& place = origin->second;
    if (std::pair(place.line, place.column) <= std::pair(finding.place.line, finding.place.column))
      fault.entry = i;
  }
  if (!fault.entry) return fault;
  fault.account = entries[*fault.entry].account.name;
  const std::string prefix = entry_path(*fault.entry) + ".";
  if (finding.path.starts_with(prefix)) fault.field = finding.path.substr(prefix.size());
  return fault;
}

ProviderFaults not_a_file(std::string message, int line) {
  return {{.entry = {}, .account = {}, .field = {}, .line = line, .message = std::move(message)}};
}

using ProviderEntries = std::expected<std::vector<ProviderEntry>, ProviderFaults>;

ProviderFaults read_entries(std::string_view text, const Environment* env,
                            std::vector<ProviderEntry>& entries) {
  const auto tree = parse_yaml(text, "");
  if (!tree) return not_a_file(tree.error().message, tree.error().place.line);
  Origins origins;
  Findings findings;
  const NoEnvironment none;
  const Environment& read_from = env == nullptr ? none : *env;
  FileReader reader("", read_from, origins, findings, References::kTakeAsText);
  std::vector<ModelCosts> costs;
  reader.read(**tree,
              [&](KeyVisitor& v) { v.sections("providers", ProviderList(entries, costs, env)); });
  check_names(entries, origins, findings);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    take_costs(costs[i], i, entries[i], origins, findings);
    entries[i].overrides = overrides_at(i, entries[i].account, origins);
  }
  if (!findings.has_errors()) {
    if (entries.empty())
      return not_a_file("there are no providers in it; expected a list under \"providers\"", 0);
    return {};
  }
  ProviderFaults faults;
  for (const Finding& finding : findings.take_errors())
    faults.push_back(fault_of(finding, entries, origins));
  return faults;
}

ProviderEntries whole_or_none(std::string_view text, const Environment* env) {
  std::vector<ProviderEntry> entries;
  ProviderFaults faults = read_entries(text, env, entries);
  if (!faults.empty()) return std::unexpected(std::move(faults));
  return entries;
}

}  // namespace

std::string ProviderFault::text(std::string_view file) const {
  return line == 0 ? fmt::format("{}: {}", file, message)
                   : fmt::format("{}:{}: {}", file, line, message);
}

std::expected<std::vector<ProviderEntry>, ProviderFaults> read_provider_file(
    std::string_view text, const Environment& env) {
  return whole_or_none(text, &env);
}

std::expected<std::vector<ProviderEntry>, ProviderFaults> read_provider_file(
    std::string_view text) {
  return whole_or_none(text, nullptr);
}

ProviderFaults read_provider_file(std::string_view text, std::vector<ProviderEntry>& entries) {
  return read_entries(text, nullptr, entries);
}

}  // namespace sluice
