// What is changed of usage that has been booked.
#include <fmt/format.h>
#include <sysexits.h>

#include <algorithm>

#include "admin/operations.h"
#include "admin/stored_entries.h"
#include "engine/config/build_directory.h"
#include "store/recompute_cost.h"

namespace sluice {

AdminAnswer AdminDesk::recompute_usage(const AdminCall& call) {
  const std::uint32_t from_hour = call.args.at("from_hour");
  const std::uint32_t to_hour = call.args.at("to_hour");
  const auto entries = load_stored_entries(writer_.environment(), keys_.vault);
  if (!entries)
    return {
        .exit_code = EX_DATAERR, .text = entries.error() + "\n", .outcome = AdminOutcome::kFailed};
  const auto directory = draft_directory(config_, &*entries);
  if (!directory)
    return {
        .exit_code = EX_CONFIG, .text = directory.error().text(), .outcome = AdminOutcome::kFailed};
  const CostSource source = [&directory](std::string_view name, std::string_view model) {
    const auto& accounts = (*directory)->accounts;
    const auto account =
        std::ranges::find_if(accounts, [name](const auto& one) { return one->name == name; });
    if (account == accounts.end()) return CostBy::kNobody;
    return (*account)->price_of(model).known() ? CostBy::kAccount : CostBy::kModel;
  };
  const auto done = recompute_cost(writer_, from_hour, to_hour, source);
  if (!done) return failed(done.error());
  return {.text = fmt::format("{} hourly sums and {} requests have another cost now\n",
                              done->hourly_rows, done->requests),
          .object = {{"hourly_rows", done->hourly_rows}, {"requests", done->requests}}};
}

}  // namespace sluice
