#include <functional>

#include "admin/metrics_scrape.h"

namespace sluice {
namespace {

using enum MetricType;

constexpr std::string_view kOutcomes[] = {"served",        "client_fault", "rate_limited",
                                          "auth_rejected", "server_error", "connect_failed",
                                          "timed_out",     "abandoned"};
static_assert(std::size(kOutcomes) == static_cast<std::size_t>(TryOutcome::kClientGone) + 1);

// The series of account_events stand by account, event, outcome, status: those that differ in the
// status only follow each other.
void write_attempts(const MetricsScrape& scrape, MetricsWriter& writer) {
  writer.family({.name = "sluice_attempts",
                 .type = kCounter,
                 .help = "How attempts with an account ended. Abandoned: the client had left, or "
                         "another account was faster; it says nothing of the account."});
  const auto& events = scrape.account_events;
  std::string labels;
  for (std::size_t i = 0; i < events.size();) {
    const AccountLabels of = AccountLabels::of(events[i].key);
    std::uint64_t sum = 0;
    const auto same = [&of](const AccountLabels& other) {
      return other.account == of.account && other.event == of.event && other.outcome == of.outcome;
    };
    for (; i < events.size() && same(AccountLabels::of(events[i].key)); ++i) sum += events[i].count;
    if (of.event != AccountEvent::kAttempt || !scrape.knows(of.account)) continue;
    labels.clear();
    scrape.append(labels, "account", of.account);
    append_label(labels, "outcome", kOutcomes[static_cast<std::size_t>(of.outcome)]);
    writer.sample(labels, sum);
  }
}

void write_event(const MetricsScrape& scrape, MetricsWriter& writer, AccountEvent event,
                 const MetricName& name) {
  writer.family(name);
  std::string labels;
  for (const LabelledCount& series : scrape.account_events) {
    const AccountLabels of = AccountLabels::of(series.key);
    if (of.event != event || !scrape.knows(of.account)) continue;
    labels.clear();
    scrape.append(labels, "account", of.account);
    writer.sample(labels, series.count);
  }
}

// A family with one sample for each account of the directory: `of` that account.
template <class Of>
void write_each(const MetricsScrape& scrape, MetricsWriter& writer, std::string_view name,
                std::string_view help, const Of& of) {
  writer.family({.name = name, .help = help});
  for (const MetricsScrape::OfAccount& account : scrape.accounts)
    writer.sample(account.labels, std::invoke(of, account));
}

void write_conditions(const MetricsScrape& scrape, MetricsWriter& writer) {
  writer.family({.name = "sluice_account_state",
                 .help = "1 for the state that the account is in, 0 for the others."});
  std::array<std::string, kAccountConditions> states;
  for (std::size_t i = 0; i < kAccountConditions; ++i)
    append_label(states[i], "state", kAccountConditionNames[i]);
  std::string labels;
  const auto write = [&](std::string_view account, AccountCondition condition) {
    for (std::size_t i = 0; i < kAccountConditions; ++i) {
      labels.assign(account).append(",").append(states[i]);
      writer.sample(labels, i == static_cast<std::size_t>(condition));
    }
  };
  for (const MetricsScrape::OfAccount& account : scrape.accounts)
    write(account.labels, account.condition);
  // Nobody is sent there, so they have no other series.
  for (const UnopenedAccount& account : scrape.view.directory->unopened) {
    std::string name;
    append_label(name, "account", account.name);
    write(name, account.enabled ? AccountCondition::kError : AccountCondition::kDisabled);
  }
}

}  // namespace

void write_account_metrics(const MetricsScrape& scrape, MetricsWriter& writer) {
  using OfAccount = MetricsScrape::OfAccount;
  write_attempts(scrape, writer);
  write_event(scrape, writer, AccountEvent::kCooldown,
              {.name = "sluice_cooldowns",
               .type = kCounter,
               .help = "Cooldowns that a 429 of the account has begun."});
  write_event(scrape, writer, AccountEvent::kBreakerOpened,
              {.name = "sluice_breaker_opened",
               .type = kCounter,
               .help = "Times that the account's breaker has opened, or opened again."});
  write_conditions(scrape, writer);
  write_each(scrape, writer, "sluice_account_permits_available",
             "Requests that the account's bucket would grant now.", &OfAccount::permits);
  writer.family({.name = "sluice_account_rpm_effective",
                 .help = "Requests per minute that are used of the account's limit now."});
  for (const OfAccount& account : scrape.accounts)
    writer.fraction(account.labels, account.rpm_effective_billionths);
  write_each(scrape, writer, "sluice_account_inflight_requests",
             "Requests that the account works on.", &OfAccount::in_flight);
  write_each(scrape, writer, "sluice_retreat_state",
             "0: at its limit, 1: below it after too many 429s, 2: on the way back.",
             [](const OfAccount& account) {
               return static_cast<std::uint64_t>(account.effective->state());
             });
}

}  // namespace sluice
