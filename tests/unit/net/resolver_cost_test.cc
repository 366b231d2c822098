// What a lookup costs when nobody has to be asked. In plain builds: see tests/unit/malloc_count.h.

#include <gtest/gtest.h>

#include "tests/unit/malloc_count.h"
#include "tests/unit/net/net_fixture.h"

namespace sluice {
namespace {

using ResolverCostTest = NetTest;

TEST_F(ResolverCostTest, WhatIsKnownCostsNoMalloc) {
  server_.set("known.example", {.a = {"192.0.2.1"}, .aaaa = {"2001:db8::1"}});
  count_allocations_of_this_thread();
  const char* const kHosts[] = {"known.example", "KNOWN.example", "192.0.2.1",
                                "2001:db8::1",   "localhost",     "printer.example"};
  for (const char* host : kHosts) ASSERT_TRUE(look_up(host)) << host;
  ASSERT_GT(allocations_counted(), 0u);
  for (const char* host : kHosts) {
    const std::uint64_t before = allocations_counted();
    Task<Result<AddressList>> task = resolve(*reactor_, resolver_, host, {});
    ASSERT_TRUE(task.done()) << host;
    ASSERT_TRUE(task.take()) << host;
    EXPECT_EQ(allocations_counted(), before) << host;
  }
}

}  // namespace
}  // namespace sluice
