#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "base/arena.h"
#include "base/block_pool.h"
#include "base/prng.h"
#include "base/secret.h"
#include "base/spill_array.h"

namespace sluice {
namespace {

struct RoundRow {
  std::size_t bytes;
  std::size_t rounded;
};

constexpr RoundRow kRoundRows[] = {
    {0, 64},      {1, 64},      {64, 64},           {65, 128},
    {4096, 4096}, {4097, 8192}, {1 << 20, 1 << 20}, {(1 << 20) + 1, (1 << 20) + 4096},
};

TEST(BlockPool, SizesArePowersOfTwoUpToOneMiB) {
  for (const RoundRow& row : kRoundRows)
    EXPECT_EQ(BlockPool::rounded_up(row.bytes), row.rounded) << row.bytes;
}

TEST(BlockPool, ABlockThatCameBackIsHandedOutAgain) {
  BlockPool pool;
  void* const first = pool.take(100);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(first) % 64, 0u);
  EXPECT_EQ(pool.bytes_in_use(), 128u);
  pool.give(first, 100);
  EXPECT_EQ(pool.bytes_in_use(), 0u);
  void* const second = pool.take(128);
  EXPECT_EQ(second, first);
  pool.give(second, 128);
}

TEST(BlockPool, LargeBlocksAreNotKept) {
  BlockPool pool;
  const std::size_t bytes = BlockPool::kKeepBytesMax + 1;
  void* const block = pool.take(bytes);
  EXPECT_EQ(pool.bytes_in_use(), BlockPool::rounded_up(bytes));
  pool.give(block, bytes);
  EXPECT_EQ(pool.bytes_in_use(), 0u);
}

TEST(BlockPool, ABurstLeavesNoMoreThanTheIdleBytesBehind) {
  BlockPool pool;
  for (const std::size_t bytes : {std::size_t{4096}, std::size_t{256} << 10}) {
    std::vector<void*> blocks;
    for (std::size_t i = 0; i < 4 * BlockPool::kIdleBytes / bytes; ++i)
      blocks.push_back(pool.take(bytes));
    const std::size_t half = blocks.size() / 2;
    while (blocks.size() > half) {
      pool.give(blocks.back(), bytes);
      blocks.pop_back();
    }
    EXPECT_EQ(pool.bytes_free(), pool.bytes_in_use()) << "as much as is in use";
    for (void* const block : blocks) pool.give(block, bytes);
    EXPECT_EQ(pool.bytes_in_use(), 0u);
    EXPECT_EQ(pool.bytes_free(), BlockPool::kIdleBytes);
  }
}

TEST(BlockPool, ABlockGrowsWithItsBytes) {
  BlockPool pool;
  std::size_t bytes = 100;
  auto* block = static_cast<char*>(pool.try_take(bytes));
  std::memset(block, 'x', bytes);
  for (std::size_t larger : {200u, 100'000u, 1u << 20, (1u << 20) + 1, 5u << 20, 32u << 20}) {
    block = static_cast<char*>(pool.try_grow(block, bytes, bytes, larger));
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(std::string_view(block, bytes), std::string(bytes, 'x'));
    std::memset(block, 'x', larger);
    bytes = larger;
    EXPECT_EQ(pool.bytes_in_use(), BlockPool::rounded_up(larger));
  }
  pool.give(block, bytes);
  EXPECT_EQ(pool.bytes_in_use(), 0u);
}

TEST(BlockPool, WhatTheMachineDoesNotHaveIsNullAndNoHarm) {
  BlockPool pool;
  constexpr std::size_t kNobodyHas = std::size_t{1} << 60;
  EXPECT_EQ(pool.try_take(kNobodyHas), nullptr);
  EXPECT_EQ(pool.bytes_in_use(), 0u);
  for (const std::size_t bytes : {std::size_t{100}, std::size_t{2} << 20}) {
    auto* const block = static_cast<char*>(pool.take(bytes));
    block[bytes - 1] = 'x';
    EXPECT_EQ(pool.try_grow(block, bytes, bytes, kNobodyHas), nullptr);
    EXPECT_EQ(pool.bytes_in_use(), BlockPool::rounded_up(bytes));
    EXPECT_EQ(block[bytes - 1], 'x');
    pool.give(block, bytes);
  }
}

TEST(BlockPool, DifferentBlocksNeverOverlap) {
  BlockPool pool;
  Prng random(1);
  std::vector<std::pair<unsigned char*, std::size_t>> blocks;
  for (int round = 0; round < 2'000; ++round) {
    if (blocks.empty() || random.below(2) == 0) {
      const std::size_t bytes = 1 + random.below(9'000);
      auto* const block = static_cast<unsigned char*>(pool.take(bytes));
      std::memset(block, static_cast<int>(bytes & 0xff), bytes);
      blocks.emplace_back(block, bytes);
      continue;
    }
    std::swap(blocks[random.below(blocks.size())], blocks.back());
    const auto [block, bytes] = blocks.back();
    blocks.pop_back();
    for (std::size_t i = 0; i < bytes; ++i) ASSERT_EQ(block[i], bytes & 0xff);
    pool.give(block, bytes);
  }
  for (const auto& [block, bytes] : blocks) pool.give(block, bytes);
}

TEST(Arena, GivesAlignedMemoryAndTakesItBackAtOnce) {
  BlockPool pool;
  Arena arena(pool);
  for (std::size_t alignment = 1; alignment <= 64; alignment *= 2) {
    static_cast<void>(arena.bytes(1));
    const auto address = reinterpret_cast<std::uintptr_t>(arena.allocate(10, alignment));
    EXPECT_EQ(address % alignment, 0u);
  }
  EXPECT_GT(pool.bytes_in_use(), 0u);
  arena.reset();
  EXPECT_EQ(pool.bytes_in_use(), 0u);
}

TEST(Arena, CopiesAndJoinsLiveInIt) {
  BlockPool pool;
  Arena arena(pool);
  std::string text = "hello";
  const std::string_view copy = arena.copy(text);
  const std::string_view joined = arena.join(text, std::string_view(), ", ", "world");
  text = "-----";
  EXPECT_EQ(copy, "hello");
  EXPECT_EQ(joined, "hello, world");
  EXPECT_EQ(arena.copy(""), "");
  const std::string large(1 << 20, 'x');
  EXPECT_EQ(arena.copy(large), large) << "more than a block";
}

TEST(SpillArray, AFewLieInItAndAllInTheArenaWhenThereAreMore) {
  BlockPool pool;
  Arena arena(pool);
  SpillArray<int, 2, 5> array;
  EXPECT_TRUE(array.values().empty());
  for (int value = 0; value < 5; ++value) {
    EXPECT_TRUE(array.add(value, arena));
    EXPECT_EQ(pool.bytes_in_use() > 0, value >= 2) << value;
  }
  EXPECT_FALSE(array.add(5, arena));
  const std::span<const int> values = array.values();
  EXPECT_EQ(std::vector<int>(values.begin(), values.end()), (std::vector{0, 1, 2, 3, 4}));
}

TEST(Secret, IsMovedAndNeverCopied) {
  static_assert(!std::is_copy_constructible_v<Secret>);
  Secret key("sk-test-1");
  Secret moved(std::move(key));
  EXPECT_EQ(moved.reveal(), "sk-test-1");
  EXPECT_TRUE(key.empty());
  Secret other("sk-test-2");
  other = std::move(moved);
  EXPECT_EQ(other.reveal(), "sk-test-1");
  EXPECT_TRUE(Secret().empty());
  EXPECT_EQ(Secret("").reveal(), "");
}

}  // namespace
}  // namespace sluice
