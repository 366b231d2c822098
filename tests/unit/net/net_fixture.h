#pragma once

#include <gtest/gtest.h>

#include <optional>

#include "engine/io/uring_kernel.h"
#include "engine/net/connector.h"
#include "engine/net/resolver.h"
#include "tests/unit/net/dns_server.h"

namespace sluice {

// A reactor, a resolver and a name server of its own for each test.
class NetTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(kernel_.open({}), 0);
    reactor_.emplace(kernel_, clock_);
    auto hosts = std::make_shared<const HostsFile>(
        HostsFile::parse("192.0.2.7 Printer.example # upstairs\n::1 six.example\n"));
    ASSERT_EQ(resolver_.open({.dns = dns_options(server_.address())}, std::move(hosts)), "");
  }
  void TearDown() override {
    Task<void> stopping = stop(*reactor_, resolver_);
    finish(stopping);
  }

  static DnsClient::Options dns_options(std::string servers) {
    return {.servers = std::move(servers),
            .timeout = 60ms,
            .tries = 2,
            .resolv_conf = "/nonexistent/resolv.conf"};
  }

  // Turns until `task` is done; fails after five seconds.
  template <class T>
  void finish(const Task<T>& task) {
    const Instant limit = clock_.now() + 5s;
    while (!task.done()) {
      ASSERT_LT(clock_.now(), limit) << "still waiting after five seconds";
      reactor_->turn(limit);
    }
  }

  Result<AddressList> look_up(std::string_view host, Limits limits = {}) {
    Task<Result<AddressList>> task = resolve(*reactor_, resolver_, host, limits);
    finish(task);
    return task.take();
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

  SystemClock clock_;
  DnsServer server_;
  UringKernel kernel_;
  std::optional<Reactor> reactor_;
  Resolver resolver_;
};

}  // namespace sluice
