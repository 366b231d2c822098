#include "admin/operations.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <algorithm>

#include "admin/sealed_rows.h"

namespace sluice {

AdminAnswer AdminDesk::answer(const AdminCall& call) {
  struct Row {
    std::string_view name;
    AdminAnswer (AdminDesk::*run)(const AdminCall&);
  };
  static constexpr Row kRows[] = {
      {"providers.add", &AdminDesk::add_provider},
      {"providers.remove", &AdminDesk::remove_provider},
      {"providers.import", &AdminDesk::import_providers},
      {"providers.export", &AdminDesk::export_providers},
      {"clients.create", &AdminDesk::create_client},
      {"clients.revoke", &AdminDesk::revoke_client},
      {"keys.rotate", &AdminDesk::rotate_keys},
  };
  try {
    for (const Row& row : kRows) {
      if (row.name == call.command) return (this->*row.run)(call);
    }
  } catch (const nlohmann::json::exception& fault) {  // an argument that is of another type
    return {.exit_code = EX_PROTOCOL,
            .text = fmt::format("{}: malformed arguments: {}\n", call.command, fault.what())};
  }
  return {.exit_code = EX_PROTOCOL,
          .text = fmt::format("the gateway knows no command \"{}\"; it is of another version\n",
                              call.command)};
}

AdminAnswer AdminDesk::failed(const StoreError& error) const {
  return {.exit_code = EX_IOERR, .text = explain(error, writer_.environment().directory()) + "\n"};
}

bool AdminDesk::is_configured(const std::string& name) const {
  return std::ranges::any_of(config_.accounts,
                             [&](const AccountConfig& account) { return account.name == name; });
}

AdminAnswer AdminDesk::rotate_keys(const AdminCall& call) {
  auto next = MasterKey::parse(call.secret.reveal(), "the new master key");
  if (!next) return {.exit_code = EX_DATAERR, .text = next.error() + "\n"};
  const bool made_here = keys_.origin == made_key_file(config_.store);
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
    return {.exit_code = EX_DATAERR, .text = why + "\n"};
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
