#include "base/wiped_heap.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>

namespace sluice::test {
namespace {

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// Whether a block of that size still has its text when the heap gives it out again. The first bytes
// of a freed block are the heap's own.
bool is_left_behind(bool wiped) {
  constexpr std::size_t kBytes = 200;
  const std::string text = "sk-test-left-behind";
  const void* before;
  {
    std::unique_ptr<WipedHeap> wipe;
    if (wiped) wipe = std::make_unique<WipedHeap>();
    char* const block = static_cast<char*>(::operator new(kBytes));
    std::memcpy(block + kBytes / 2, text.data(), text.size());
    before = block;
    ::operator delete(block);
  }
  char* const again = static_cast<char*>(::operator new(kBytes));
  const bool same = again == before;
  const bool left = same && std::memcmp(again + kBytes / 2, text.data(), text.size()) == 0;
  ::operator delete(again);
  EXPECT_TRUE(same || wiped) << "the heap gives out another block: this looks at nothing";
  return left;
}

constexpr char kOnTheStack[] = "what a call has left";

[[gnu::noinline]] void leave_on_the_stack() {
  char here[20'000];
  std::memset(here, 'x', sizeof here);
  std::memcpy(here + 10'000, kOnTheStack, sizeof kOnTheStack);
  asm volatile("" : : "r"(here) : "memory");
}

[[gnu::noinline]] bool is_on_the_stack() {
  char here[30'000];
  asm volatile("" : "=m"(here));  // as it is
  return memmem(here, sizeof here, kOnTheStack, sizeof kOnTheStack) != nullptr;
}

TEST(WipedHeap, WhatCallsLeftOnTheStackIsOverwritten) {
  leave_on_the_stack();
  EXPECT_TRUE(is_on_the_stack()) << "this looks at nothing";
  {
    const WipedHeap wiped;
    leave_on_the_stack();
  }
  EXPECT_FALSE(is_on_the_stack());
}

TEST(WipedHeap, WhatIsDeletedIsOverwritten) {
  EXPECT_TRUE(is_left_behind(false));
  EXPECT_FALSE(is_left_behind(true));
}
#endif

TEST(WipedHeap, ABlockThatIsWipedIsStillABlock) {
  const WipedHeap outer;
  const WipedHeap inner;
  std::string text(10'000, 'x');
  text += std::string(100'000, 'y');
  text.shrink_to_fit();
  EXPECT_EQ(text.size(), 110'000u);
}

}  // namespace
}  // namespace sluice::test
