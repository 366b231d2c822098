#include "admin/operations.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <algorithm>

#include "admin/sealed_rows.h"
#include "base/wiped_heap.h"
#include "engine/route/directory.h"
#include "store/catalog.h"

namespace sluice {

AdminAnswer AdminDesk::answer(const AdminCall& call) {
  struct Row {
    std::string_view name;
    AdminAnswer (AdminDesk::*run)(const AdminCall&);
  };
  static constexpr Row kRows[] = {
      {"providers.add", &AdminDesk::add_provider},
      {"providers.change", &AdminDesk::change_provider},
      {"providers.remove", &AdminDesk::remove_provider},
      {"providers.import", &AdminDesk::import_providers},
      {"providers.export", &AdminDesk::export_providers},
      {"clients.create", &AdminDesk::create_client},
      {"clients.change", &AdminDesk::change_client},
      {"clients.revoke", &AdminDesk::revoke_client},
      {"prices.put", &AdminDesk::put_price},
      {"prices.remove", &AdminDesk::remove_price},
      {"usage.recompute", &AdminDesk::recompute_usage},
      {"settings.put", &AdminDesk::put_settings},
      {"settings.remove", &AdminDesk::remove_setting},
      {"import.sidecar", &AdminDesk::import_sidecar},
      {"keys.rotate", &AdminDesk::rotate_keys},
  };
  const WipedHeap wiped;
  try {
    for (const Row& row : kRows) {
      if (row.name == call.command) return (this->*row.run)(call);
    }
  } catch (const nlohmann::json::exception& fault) {  // an argument that is of another type
    return {.exit_code = EX_PROTOCOL,
            .text = fmt::format("{}: malformed arguments: {}\n", call.command, fault.what()),
            .outcome = AdminOutcome::kFailed};
  }
  return {.exit_code = EX_PROTOCOL,
          .text = fmt::format("the gateway knows no command \"{}\"; it is of another version\n",
                              call.command),
          .outcome = AdminOutcome::kFailed};
}

AdminAnswer AdminDesk::failed(const StoreError& error) const {
  return {.exit_code = EX_IOERR,
          .text = explain(error, writer_.environment().directory()) + "\n",
          .outcome = AdminOutcome::kFailed};
}

AdminAnswer refuse_faults(std::vector<FieldProblem> faults) {
  std::string text;
  for (const FieldProblem& fault : faults) {
    text += fault.field + (fault.field.empty() ? "" : ": ") + fault.problem;
    text += (fault.mend.empty() ? "" : "; " + fault.mend) + "\n";
  }
  return {.exit_code = EX_DATAERR,
          .text = std::move(text),
          .outcome = AdminOutcome::kInvalid,
          .faults = std::move(faults)};
}

std::vector<FieldProblem> with_faults_of(const AdminCall& call, std::vector<FieldProblem> faults) {
  std::vector<FieldProblem> all = call.faults;
  for (FieldProblem& fault : faults)
    if (std::ranges::find(call.faults, fault.field, &FieldProblem::field) == call.faults.end())
      all.push_back(std::move(fault));
  return all;
}

std::string place_text(const Place& place) {
  if (place.kind == Place::Kind::kEnvironment)
    return fmt::format("the environment ({})", place.text());
  return place.line > 0 ? fmt::format("{}:{}", place.source, place.line) : place.text();
}

std::string place_of(const Config& config, std::string_view path, std::string_view required) {
  Place place = config.origin_of(path);
  if (place.kind == Place::Kind::kDefault)
    place = config.origin_of(fmt::format("{}.{}", path, required));
  if (place.kind == Place::Kind::kEnvironment) return place_text(place);
  if (place.line == 0) return "the configuration file";
  return fmt::format("the configuration file ({})", place_text(place));
}

AdminAnswer refuse_missing(std::string text) {
  return {.exit_code = EX_DATAERR, .text = text + "\n", .outcome = AdminOutcome::kNotFound};
}

AdminAnswer refuse_conflict(std::string text) {
  return {.exit_code = EX_DATAERR, .text = text + "\n", .outcome = AdminOutcome::kConflict};
}

AdminAnswer refuse_taken(std::string text) {
  AdminAnswer answer = refuse_conflict(std::move(text));
  answer.faults.push_back({"name", "is taken", "take another name"});
  return answer;
}

std::optional<AdminAnswer> AdminDesk::no_room_for(std::size_t accounts) const {
  const auto stored = list_accounts(writer_.environment());
  if (!stored) return failed(stored.error());
  const std::size_t all = config_.accounts.size() + stored->size() + accounts;
  if (all <= kDirectoryAccountsMax) return {};
  return refuse_faults({{"",
                         fmt::format("there would be {} accounts, and a gateway has {} at most",
                                     all, kDirectoryAccountsMax),
                         "remove some"}});
}

std::optional<std::string> AdminDesk::configured_at(const std::string& name) const {
  const auto found = std::ranges::find(config_.accounts, name, &AccountConfig::name);
  if (found == config_.accounts.end()) return {};
  return place_of(config_, fmt::format("accounts[{}]", found - config_.accounts.begin()),
                  "base_url");
}

// The key to rotate to: the one that was given, or that of a rotation which was cut off.
std::expected<MasterKey, std::string> AdminDesk::next_key(const AdminCall& call, bool made_here) {
  const auto begun = read_meta(writer_.environment(), kRotationKey);
  if (!begun) return std::unexpected(explain(begun.error(), writer_.environment().directory()));
  const auto state = *begun ? parse_rotation_state(**begun) : std::nullopt;
  if (call.secret.empty() && state && made_here) {
    auto kept = MasterKey::read_file(next_key_file(keys_.origin));
    if (kept && kept->id() == state->to) return kept;
  }
  auto next = MasterKey::parse(call.secret.reveal(), "the new master key");
  if (!next) return next;
  // Before anything is written: the file beside the present key may hold the only copy of the key
  // of a rotation that has begun.
  if (state && state->to != next->id()) {
    return std::unexpected(fmt::format(
        "a rotation to the key {} has begun and not ended, and this is the key {}: give that one{}",
        state->to.text(), next->id().text(),
        made_here ? ", or none (sluice keys rotate < /dev/null): it is kept in " +
                        next_key_file(keys_.origin)
                  : ""));
  }
  if (next->id() == keys_.master.id())
    return std::unexpected("the old and the new master key are the same: " + next->id().text());
  return next;
}

AdminAnswer AdminDesk::rotate_keys(const AdminCall& call) {
  const bool made_here = keys_.origin == made_key_file(config_.store);
  auto next = next_key(call, made_here);
  if (!next) return {.exit_code = EX_DATAERR, .text = next.error() + "\n"};
  if (made_here) {
    if (auto prepared = prepare_key_file(keys_.origin, *next); !prepared)
      return {.exit_code = prepared.error().exit_code, .text = prepared.error().text};
  }
  SealedRows rows(writer_);
  const auto rotated = rotate(keys_.master, *next, now_unix_ms_, rows);
  if (!rotated) {
    const std::string why = rows.failure()
                                ? explain(*rows.failure(), writer_.environment().directory())
                                : rotated.error().message;
    const bool wrong_key = rotated.error().kind == RotationFailure::Kind::kOldKey;
    return {.exit_code = wrong_key ? EX_CONFIG : EX_DATAERR, .text = why + "\n"};
  }
  AdminAnswer answer{.text = fmt::format("{} keys encrypted anew, under master key {}\n",
                                         rotated->resealed, next->id().text())};
  keys_.vault = Vault(*next);
  keys_.master = std::move(*next);
  if (!made_here) {
    answer.text +=
        fmt::format("{} still has the former one: change it before the next start\n", keys_.origin);
  } else if (auto replaced = replace_key_file(keys_.origin); !replaced) {
    return {.exit_code = EX_CANTCREAT, .text = answer.text + replaced.error().text};
  }
  return answer;
}

}  // namespace sluice
