#pragma once

#include <gtest/gtest.h>

#include <optional>

#include "engine/io/uring_kernel.h"
#include "engine/net/connector.h"
#include "engine/net/resolver.h"
#include "tests/unit/net/dns_server.h"

namespace sluice {

// LeapingClock - the machine's clock, which a test can put forward instead of waiting. (c-ares has
// a clock of its own, which does not leap.)
class LeapingClock final : public Clock {
 public:
  Instant now() noexcept override { return system_.now() + leap_; }
  std::int64_t unix_ms() noexcept override { return system_.unix_ms(); }
  void leap(Duration by) { leap_ += by; }

 private:
  SystemClock system_;
  Duration leap_{};
};

// A reactor, a resolver and a name server of its own for each test.
class NetTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(kernel_.open({}), 0);
    reactor_.emplace(kernel_, clock_);
    auto hosts = std::make_shared<const HostsFile>(
        HostsFile::parse("192.0.2.7 Printer.example # upstairs\n::1 six.example\n"));
    ASSERT_EQ(resolver_.open({.dns = dns_options(server_.address()), .stale_after = kStaleAfter},
                             std::move(hosts)),
              "");
  }
  void TearDown() override {
    Task<void> stopping = stop(*reactor_, resolver_);
    finish(stopping);
  }

  static constexpr Duration kStaleAfter = 30ms;

  static DnsClient::Options dns_options(std::string servers) {
    return {.servers = std::move(servers),
            .timeout = 400ms,  // its thread may stand still
            .tries = 2,
            .resolv_conf = "/nonexistent/resolv.conf"};
  }

  // Turns until `task` is done; fails after a minute.
  template <class T>
  void finish(const Task<T>& task) {
    const Instant limit = clock_.now() + 60s;
    while (!task.done()) {
      ASSERT_LT(clock_.now(), limit) << "still waiting after a minute";
      reactor_->turn(limit);
    }
  }

  void leap(Duration by) {
    clock_.leap(by);
    reactor_->turn(reactor_->now());
  }
  void turn_until(Instant until) {
    while (clock_.now() < until) reactor_->turn(until);
  }

  Result<AddressList> look_up(std::string_view host, Limits limits = {}) {
    Task<Result<AddressList>> task = resolve(*reactor_, resolver_, host, limits);
    finish(task);
    return task.take();
  }

  // Asks until what is told is `text`; fails after a minute.
  void look_up_until(std::string_view host, std::string_view text) {
    const Instant limit = clock_.now() + 60s;
    while (text_of(look_up(host)) != text) {
      ASSERT_LT(clock_.now(), limit) << "still another answer after a minute";
      turn_until(clock_.now() + 5ms);
    }
  }

  // "192.0.2.1 2001:db8::1", or the words of the error.
  std::string text_of(const Result<AddressList>& result) {
    if (!result) return std::string(errc_text(result.error().code));
    std::string text;
    for (const IpAddress& ip : *result) {
      const std::string with_port = address_text(socket_address(ip, 0));
      if (!text.empty()) text += ' ';
      text += with_port.substr(0, with_port.size() - 2);
    }
    return text;
  }

  LeapingClock clock_;
  DnsServer server_;
  UringKernel kernel_;
  std::optional<Reactor> reactor_;
  Resolver resolver_;
};

}  // namespace sluice
