// Accounts of the store, many at a time: the provider file (docs/COMPAT.md).
#include <fmt/format.h>
#include <sysexits.h>

#include <algorithm>

#include "admin/operations.h"
#include "admin/stored_entries.h"
#include "admin/upstream_rule.h"
#include "engine/config/provider_file.h"
#include "store/catalog.h"
#include "tls/context.h"

namespace sluice {
namespace {

AdminAnswer refuse_import(AdminAnswer refused) {
  refused.text += "nothing was imported\n";
  return refused;
}

// `providers[0].rpm_limit: "abc" is not a whole number; expected ...`: without its path.
FieldProblem entry_problem(const ProviderFault& fault) {
  std::string field;
  if (fault.entry) field = fmt::format("providers[{}]", *fault.entry);
  if (!fault.field.empty()) field += (field.empty() ? "" : ".") + fault.field;
  FieldProblem problem = problem_of(std::move(field), fault.message);
  problem.entry = fault.entry;
  problem.line = fault.line;
  return problem;
}

FieldProblem about_entry(std::size_t entry, std::string_view field, FieldProblem problem) {
  problem.field = fmt::format("providers[{}].{}", entry, field);
  problem.entry = entry;
  return problem;
}

// Of an import's faults so many are told, and how many more there are: who has them all wrong in
// one way needs no thousand lines.
constexpr std::size_t kFaultsTold = 20;

std::string sentence(const FieldProblem& fault) {
  return fault.field + ": " + fault.problem + (fault.mend.empty() ? "" : "; " + fault.mend);
}

// The first in the order of the entries, what is of no entry before them.
AdminAnswer tell_some(std::vector<FieldProblem> faults, std::string text) {
  std::ranges::stable_sort(faults, {}, [](const FieldProblem& fault) {
    return fault.entry ? static_cast<std::int64_t>(*fault.entry) : -1;
  });
  if (const std::size_t all = faults.size(); all > kFaultsTold) {
    faults.resize(kFaultsTold);
    const std::string more = fmt::format("{} more are wrong", all - kFaultsTold);
    faults.push_back({"", more, "mend these first, or try the rest with dry_run"});
    text += more + "\n";
  }
  AdminAnswer refused = refuse_faults(std::move(faults));
  refused.text = std::move(text);
  return refused;
}

bool has_more_than_the_file(const StoredAccount& stored) {
  const auto metadata = nlohmann::json::parse(stored.metadata, nullptr, false);
  if (metadata.is_object())
    for (const auto& [name, value] : metadata.items())
      if (name != "email" && name != "notes") return true;
  return std::ranges::any_of(stored.models, [](const StoredMapping& mapping) {
    const StoredMapping same{
        .canonical = mapping.canonical, .native_id = mapping.native_id, .cost = mapping.cost};
    return mapping != same;
  });
}

constexpr std::string_view kMoreThanTheFile =
    "# Not in this file: of model_mappings what is neither name nor cost (reasoning,\n"
    "# reasoning_effort, input_modalities, context_window, max_tokens, compat), and of metadata\n"
    "# what is neither email nor notes.\n";

}  // namespace

// What the gateway has against an entry, as far as that could be read.
std::expected<std::vector<FieldProblem>, StoreError> AdminDesk::objections(
    std::size_t index, const AccountConfig& account, bool from_network) const {
  std::vector<FieldProblem> faults;
  if (!account.name.empty()) {
    const auto taken = find_account(writer_.environment(), account.name);
    if (!taken) return std::unexpected(taken.error());
    const auto at = configured_at(account.name);
    if (at || *taken) {
      faults.push_back(about_entry(index, "account",
                                   {"",
                                    fmt::format("there is an account \"{}\" in {}", account.name,
                                                *taken ? "the store" : *at),
                                    "give another name"}));
    }
  }
  if (from_network && !account.base_url.empty())
    if (auto fault = refuse_upstream(account.base_url, config_.admin.private_upstreams))
      faults.push_back(about_entry(index, "endpoint_url", std::move(*fault)));
  if (!account.ca_file.empty())
    if (const auto trust = TrustStore::from_file(account.ca_file); !trust)
      faults.push_back(about_entry(index, "ca_file", {"", trust.error(), ""}));
  return faults;
}

AdminAnswer AdminDesk::import_providers(const AdminCall& call) {
  const bool from_network = call.args.value("from_network", false);
  const bool dry_run = call.args.value("dry_run", false);
  // Nothing in a file that comes in stands for something of this process.
  std::vector<ProviderEntry> entries;
  std::vector<FieldProblem> faults;
  std::string text;  // of the faults, with the lines of the file
  for (const ProviderFault& fault : read_provider_file(call.secret.reveal(), entries)) {
    faults.push_back(entry_problem(fault));
    text += faults.size() <= kFaultsTold ? fault.text("providers") + "\n" : "";
  }
  for (std::size_t i = 0; i < entries.size(); ++i) {
    auto more = objections(i, entries[i].account, from_network);
    if (!more) return failed(more.error());
    for (FieldProblem& fault : *more) {
      faults.push_back(std::move(fault));
      text += faults.size() <= kFaultsTold ? sentence(faults.back()) + "\n" : "";
    }
  }
  if (!faults.empty()) return refuse_import(tell_some(std::move(faults), std::move(text)));
  if (auto full = no_room_for(entries.size())) return refuse_import(std::move(*full));
  std::vector<StoredAccount> accounts;
  nlohmann::json report = nlohmann::json::array();
  for (ProviderEntry& entry : entries) {
    complete(entry.account, entry.overrides, config_);
    accounts.push_back(to_stored(entry.account, entry.overrides, entry.notes, make_account_id(),
                                 keys_.vault, now_unix_ms_));
    accounts.back().source = AccountSource::kImport;
    accounts.back().public_only = from_network;
    report.push_back({{"index", report.size()},
                      {"account", entry.account.name},
                      {"status", dry_run ? "would_create" : "created"}});
    if (!dry_run) report.back()["id"] = accounts.back().id;
  }
  AdminAnswer answer{.changed = !dry_run, .object = std::move(report)};
  answer.text =
      fmt::format("{} accounts {}\n", accounts.size(), dry_run ? "would be imported" : "imported");
  if (dry_run) return answer;
  if (const auto put = put_accounts(writer_, accounts); !put) return failed(put.error());
  return answer;
}

AdminAnswer AdminDesk::export_providers(const AdminCall& call) {
  const auto accounts = list_accounts(writer_.environment());
  if (!accounts) return failed(accounts.error());
  const KeyDisplay display =
      call.args.value("clear", false) ? KeyDisplay::kClear : KeyDisplay::kMasked;
  std::vector<std::string> left_out;  // sentences
  bool has_more = false;
  std::vector<ProviderEntry> entries;
  for (const StoredAccount& stored : *accounts) {
    auto key = open_api_key(stored, keys_.vault);
    if (!key && display == KeyDisplay::kClear) {
      left_out.push_back(fmt::format("account \"{}\" is left out: {}\n", stored.name,
                                     explain(key.error(), stored)));
      continue;
    }
    entries.push_back({.account = from_stored(stored, key ? std::move(*key) : Secret()),
                       .notes = notes_of(stored),
                       .overrides = overrides_of(stored)});
    // Values that it does not say are as in a new account, and so not written; but the file of the
    // predecessor has a limit in any case.
    AccountDefaults plain;
    plain.rpm_limit = config_.account_defaults.rpm_limit;
    complete(entries.back().account, entries.back().overrides, plain, {});
    has_more = has_more || has_more_than_the_file(stored);
  }
  std::string text(has_more ? kMoreThanTheFile : "");
  for (const std::string& sentence : left_out) text += "# " + sentence;
  write_provider_file(entries, display, [&](std::string_view piece) { text += piece; });
  return {.text = fmt::format("{}", fmt::join(left_out, "")),
          .secret = Secret(text),
          .object = {{"left_out", left_out.size()}}};
}

}  // namespace sluice
