#include "engine/net/connector.h"

#include <algorithm>

#include "engine/net/connect_race.h"

namespace sluice {

Task<Result<int>> connect_any(Reactor& reactor, const AddressList& addresses, std::uint16_t port,
                              Limits limits) {
  ConnectRace race(reactor, addresses, port);
  Error stopped;
  race.start_due(reactor.now());
  while (!race.decided() && stopped.code == Errc::kOk) {
    const Limits until_next{.deadline = std::min(limits.deadline, race.next_start()),
                            .cancel = limits.cancel};
    const Error interruption = co_await ConnectRace::Change(race, until_next);
    const bool only_stagger =
        interruption.code == Errc::kTimedOut && reactor.now() < limits.deadline;
    if (!race.decided() && !only_stagger) stopped = interruption;
    if (stopped.code == Errc::kOk) race.start_due(reactor.now());
  }
  race.call_off();
  while (race.running() > 0) co_await ConnectRace::Change(race, Limits{});
  const Result<int> outcome = race.outcome();
  if (outcome || stopped.code == Errc::kOk) co_return outcome;
  stopped.retry = Retry::kSafe;  // nothing has been sent
  co_return std::unexpected(stopped);
}

Task<Result<int>> connect_tcp(Reactor& reactor, Resolver& resolver, std::string_view host,
                              std::uint16_t port, Limits limits, Reach reach) {
  Task<Result<AddressList>> resolving = resolve(reactor, resolver, host, limits);
  const Result<AddressList> addresses = co_await resolving;
  if (!addresses) co_return std::unexpected(addresses.error());
  const AddressList allowed = within_reach(*addresses, reach);
  if (allowed.empty()) {
    co_return std::unexpected(
        Error{.code = Errc::kUnreachable, .side = Side::kUpstream, .retry = Retry::kSafe});
  }
  Task<Result<int>> connecting = connect_any(reactor, allowed, port, limits);
  const Result<int> fd = co_await connecting;
  co_return fd;
}

}  // namespace sluice
