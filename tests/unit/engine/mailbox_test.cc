#include "engine/mailbox.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace sluice {
namespace {

Message numbered(std::uintptr_t number) {
  return Message{.run = nullptr, .argument = reinterpret_cast<void*>(number)};
}
std::uintptr_t number_of(const Message& message) {
  return reinterpret_cast<std::uintptr_t>(message.argument);
}

TEST(Mailbox, IsEmptyAtFirst) {
  // On the heap: a sanitizer's stack does not keep the alignment.
  const auto owned = std::make_unique<Mailbox>();
  Mailbox& mailbox = *owned;
  Message message = numbered(7);
  EXPECT_TRUE(mailbox.empty());
  EXPECT_FALSE(mailbox.pop(message));
  EXPECT_EQ(number_of(message), 7u);
}

TEST(Mailbox, GivesMessagesInTheirOrder) {
  const auto owned = std::make_unique<Mailbox>();
  Mailbox& mailbox = *owned;
  for (std::uintptr_t i = 1; i <= 3; ++i) EXPECT_TRUE(mailbox.push(numbered(i)));
  Message message;
  for (std::uintptr_t i = 1; i <= 3; ++i) {
    EXPECT_FALSE(mailbox.empty());
    ASSERT_TRUE(mailbox.pop(message));
    EXPECT_EQ(number_of(message), i);
  }
  EXPECT_TRUE(mailbox.empty());
  EXPECT_FALSE(mailbox.pop(message));
}

TEST(Mailbox, HoldsItsCapacityAndRefusesTheNext) {
  const auto owned = std::make_unique<Mailbox>();
  Mailbox& mailbox = *owned;
  Message message;
  std::uintptr_t sent = 0;
  std::uintptr_t received = 0;
  for (int round = 0; round < 3; ++round) {  // full at three places of the ring
    while (mailbox.push(numbered(sent + 1))) ++sent;
    EXPECT_EQ(sent - received, Mailbox::kCapacity);
    for (int i = 0; i < 100; ++i) {
      ASSERT_TRUE(mailbox.pop(message));
      ASSERT_EQ(number_of(message), ++received);
    }
  }
  EXPECT_TRUE(mailbox.push(numbered(++sent)));
  while (mailbox.pop(message)) ASSERT_EQ(number_of(message), ++received);
  EXPECT_EQ(received, sent);
}

// S1: under ThreadSanitizer this is also the proof that what the sender wrote before push() is
// there after pop().
TEST(Mailbox, LosesNothingBetweenTwoThreads) {
  constexpr std::size_t kMessages = 50'000;
  const auto owned = std::make_unique<Mailbox>();
  Mailbox& mailbox = *owned;
  std::vector<std::uint64_t> letters(kMessages);
  std::thread sender([&] {
    for (std::size_t i = 0; i < kMessages; ++i) {
      letters[i] = i * i + 1;
      const Message message{.run = nullptr, .argument = &letters[i]};
      while (!mailbox.push(message)) std::this_thread::yield();
    }
  });
  for (std::size_t i = 0; i < kMessages; ++i) {
    Message message;
    while (!mailbox.pop(message)) std::this_thread::yield();
    ASSERT_EQ(message.argument, &letters[i]);
    ASSERT_EQ(*static_cast<std::uint64_t*>(message.argument), i * i + 1);
  }
  sender.join();
  EXPECT_TRUE(mailbox.empty());
}

}  // namespace
}  // namespace sluice
