#include "engine/proxy/request_body.h"

#include <gtest/gtest.h>

#include <string>

#include "base/units.h"

namespace sluice {
namespace {

constexpr std::uint64_t kRoomy = 64 * kMiB;
using Added = RequestBody::Added;

TEST(RequestBody, AnAnnouncedLengthCostsNothingUntilBytesCome) {
  BlockPool pool;
  OwnedCount held;
  {
    RequestBody body(pool, held);
    body.expect(32 * kMiB, kRoomy, RequestBody::kFirstBlockBytes);
    EXPECT_EQ(held, 0u);
    EXPECT_EQ(body.append("x"), Added::kAll);
    EXPECT_EQ(held, RequestBody::kFirstBlockBytes);
    EXPECT_EQ(pool.bytes_in_use(), held);
  }
  EXPECT_EQ(held, 0u);
  EXPECT_EQ(pool.bytes_in_use(), 0u);
}

TEST(RequestBody, AUsualPromptStaysWhereItsFirstByteLies) {
  BlockPool pool;
  OwnedCount held;
  RequestBody body(pool, held);
  body.expect(60'000, kRoomy, RequestBody::kFirstBlockBytes);
  ASSERT_EQ(body.append("x"), Added::kAll);
  const char* const first = body.view().data();
  ASSERT_EQ(body.append(std::string(59'999, 'y')), Added::kAll);
  EXPECT_EQ(body.view().data(), first);
  EXPECT_EQ(held, 64 * kKiB);
}

TEST(RequestBody, HoldsWhatCameHoweverItGrew) {
  for (const std::size_t bytes : {std::size_t{1}, std::size_t{128 * kKiB}, std::size_t{kMiB - 64},
                                  std::size_t{kMiB}, std::size_t{5 * kMiB + 17}}) {
    BlockPool pool;
    OwnedCount held;
    RequestBody body(pool, held);
    body.expect(bytes, kRoomy, 16 * kKiB);
    std::string sent;
    for (std::size_t i = 0; sent.size() < bytes; ++i) sent += std::to_string(i);
    sent.resize(bytes);
    for (std::size_t at = 0; at < bytes; at += 77'777)
      ASSERT_EQ(body.append(std::string_view(sent).substr(at, 77'777)), Added::kAll);
    EXPECT_TRUE(body.view() == sent) << bytes;
    EXPECT_EQ(body.missing(), 0u);
    EXPECT_LE(held, 2 * bytes + 16 * kKiB);
    EXPECT_EQ(body.append("x"), Added::kTooLarge);
  }
}

TEST(RequestBody, TheBodiesOfAShardStayWithinTheirBudget) {
  BlockPool pool;
  OwnedCount held;
  RequestBody first(pool, held), second(pool, held);
  for (RequestBody* const body : {&first, &second})
    body->expect(kMiB, 256 * kKiB, RequestBody::kFirstBlockBytes);
  ASSERT_EQ(first.append("x"), Added::kAll);
  ASSERT_EQ(second.append(std::string(100'000, 'x')), Added::kAll);
  EXPECT_EQ(held, 256 * kKiB);
  EXPECT_EQ(second.append(std::string(100'000, 'x')), Added::kNoMemory);
  EXPECT_EQ(first.append(std::string(100'000, 'x')), Added::kAll) << "in the block that it has";
  EXPECT_EQ(held, 256 * kKiB);
}

}  // namespace
}  // namespace sluice
