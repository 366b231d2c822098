#include "engine/cli/probe_providers.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <algorithm>
#include <memory>

#include "engine/build_snapshot.h"
#include "engine/cli/command_line.h"
#include "engine/proxy/account_prober.h"

namespace sluice {
namespace {

int fail(const std::string& text, int exit_code) {
  fmt::print(stderr, "sluice: {}{}", text, text.ends_with('\n') ? "" : "\n");
  return exit_code;
}

using Probed = AccountProber::Probed;

std::string line_of(const Probed& probed) {
  const AccountProbe& probe = probed.probe;
  const std::string begin = fmt::format("{:<24}{:>6} ms  ", probed.account->name, probe.took / 1ms);
  const std::string text = probe_text(*probed.account, probe);
  return probe.status != 0 ? fmt::format("{}{}: {}\n", begin, probe.status, text)
                           : fmt::format("{}{}\n", begin, text);
}

int exit_code_of(const std::vector<std::unique_ptr<Probed>>& all) {
  const auto any = [&all](ProbeVerdict verdict) {
    return std::ranges::any_of(
        all, [verdict](const auto& one) { return judge_probe(one->probe) == verdict; });
  };
  if (any(ProbeVerdict::kKeyRefused)) return EX_NOPERM;
  return any(ProbeVerdict::kUnavailable) ? EX_UNAVAILABLE : EX_OK;
}

}  // namespace

int probe_providers(const Config& config, const StoredEntries& stored,
                    const std::vector<std::string>& names) {
  const auto snapshot = build_snapshot(config, &stored, nullptr);
  if (!snapshot) return fail(snapshot.error().text(), EX_CONFIG);
  const Directory& directory = *(*snapshot)->directory;
  SystemClock clock;
  const auto prober = std::make_unique<AccountProber>(clock);
  if (const std::string failed = prober->open(); !failed.empty()) return fail(failed, EX_OSERR);
  const auto wanted = [&names](const std::string& name) {
    return names.empty() || std::ranges::find(names, name) != names.end();
  };
  const bool closed = std::ranges::any_of(
      stored.unopened, [&](const UnopenedAccount& account) { return wanted(account.name); });
  for (const std::string& name : names) {
    if (std::ranges::find(stored.unopened, name, &UnopenedAccount::name) != stored.unopened.end())
      continue;  // told when it was read
    const auto named = [&name](const auto& account) { return account->name == name; };
    if (std::ranges::none_of(directory.accounts, named))
      return fail(fmt::format("there is no account \"{}\"", name), EX_DATAERR);
  }
  for (const auto& account : directory.accounts) {
    if (wanted(account->name))
      prober->add(*account, account->endpoint.tls
                                ? (*snapshot)->trust_for(account->endpoint.ca_file)
                                : nullptr);
  }
  if (prober->probed().empty())
    return closed ? EX_DATAERR : fail("there is no account", EX_DATAERR);
  prober->run();
  std::string text;
  for (const auto& probed : prober->probed()) text += line_of(*probed);
  const int printed = print_out(text);
  if (printed != EX_OK || closed) return printed != EX_OK ? printed : EX_DATAERR;
  return exit_code_of(prober->probed());
}

}  // namespace sluice
