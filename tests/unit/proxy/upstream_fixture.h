#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>

#include <string>
#include <string_view>

#include "engine/proxy/try_account.h"
#include "tests/unit/proxy/proxy_fixture.h"

namespace sluice {

template <class Trials>
Task<TryResult> try_and_relay_from(Shard& shard, Exchange& exchange, Ladder& ladder, Choice& choice,
                                   HeldAnswer& held) {
  std::optional<Trials> trials;
  Seat seat(trials);
  TryResult result = co_await try_account(shard, exchange, ladder, choice, held, seat);
  if (seat.answers == nullptr) co_return result;
  begin_relay(shard, exchange, *seat.answers);
  const RelayEnd end = co_await relay_response(shard, exchange, seat.answers->attempt);
  const Served relayed = settle_relayed(shard, exchange, *seat.answers, end);
  if (relayed) co_return TryResult{};
  co_return TryResult{.kind = TryResult::Kind::kRefused, .answer = relayed.error()};
}
// A whole try, as a request that has no other makes it.
inline Task<TryResult> try_and_relay(Shard& shard, Exchange& exchange, Ladder& ladder,
                                     Choice& choice, HeldAnswer& held) {
  return may_hedge(exchange) ? try_and_relay_from<Race>(shard, exchange, ladder, choice, held)
                             : try_and_relay_from<Trial>(shard, exchange, ladder, choice, held);
}

// UpstreamTest - an exchange with a provider: the test itself, behind a listener of its own.
class UpstreamTest : public ProxyTest {
 protected:
  void SetUp() override {
    ProxyTest::SetUp();
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    ASSERT_EQ(bind(listener_, any, size), 0);
    ASSERT_EQ(listen(listener_, 8), 0);
    ASSERT_EQ(getsockname(listener_, any, &size), 0);
    port_ = ntohs(address.sin_port);
    pools_->start();
  }
  void TearDown() override {
    hang_up();
    if (exchange_) release_connection(*exchange_, attempt_, false);
    attempt_.link.reset();
    Task<void> stopping = UpstreamPools::stop(*shard_, *pools_);
    finish(stopping);
    if (listener_ >= 0) close(listener_);
    ProxyTest::TearDown();
  }

  Account& add_upstream(std::string_view name) {
    Account& account = add_account(name);
    account.endpoint.host = "127.0.0.1";
    account.endpoint.port = port_;
    return account;
  }
  EndpointPool& endpoint() {
    return pools_->pool_for(
        UpstreamTargetView{.host = "127.0.0.1", .ca_file = {}, .port = port_, .tls = false});
  }

  // Begins an exchange, and an attempt that has sent everything: what remains is the answer.
  void ask(std::string_view request) {
    if (directory_->accounts.empty()) add_upstream("team-a");
    attempt_.link.reset();
    begin(request);
    attempt_.account = directory_->accounts.front().get();
    attempt_.follow(*exchange_);
    attempt_.sent_any = attempt_.sent_all = true;
    attempt_.deadline = clock_.now() + 1h;
    Task<Result<UpstreamConnection*>> opening = UpstreamPools::open(
        *shard_, *pools_, endpoint(), nullptr, Limits{.deadline = clock_.now() + 60s},
        exchange_->arena, attempt_.failure);
    finish(opening);
    const Result<UpstreamConnection*> opened = opening.take();
    ASSERT_TRUE(opened);
    attempt_.connection = *opened;
    accept_one();
  }
  void accept_one() {
    turn_until([this] {
      provider_ = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      return provider_ >= 0;
    });
  }
  void provider_sends(std::string_view text) {
    ASSERT_EQ(send(provider_, text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  // What the provider has got, once it ends so.
  std::string provider_gets(std::string_view end) {
    std::string got;
    turn_until([&] {
      char bytes[4096];
      const ssize_t count = recv(provider_, bytes, sizeof(bytes), 0);
      if (count > 0) got.append(bytes, static_cast<std::size_t>(count));
      return got.ends_with(end) || count == 0;
    });
    return got;
  }
  void hang_up() {
    if (provider_ >= 0) close(provider_);
    provider_ = -1;
  }
  // All that the client gets, once it ends so.
  std::string client_gets(std::string_view end) {
    std::string got;
    turn_until([&] {
      got += client_got();
      return got.ends_with(end);
    });
    return got;
  }

  int listener_ = -1;
  int provider_ = -1;
  std::uint16_t port_ = 0;
  Attempt attempt_;
};

}  // namespace sluice
