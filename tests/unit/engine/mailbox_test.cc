#include "engine/mailbox.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <thread>
#include <vector>

namespace sluice {
namespace {

// Numbered - a letter that can be told from others.
struct Numbered final : Letter {
  explicit Numbered(std::uint64_t number) : Letter(nullptr), number(number) {}
  std::uint64_t number;
};

// What lies in the mailbox, from the oldest on.
std::vector<std::uint64_t> take_numbers(Mailbox& mailbox) {
  std::vector<std::uint64_t> numbers;
  for (Letter* letter = mailbox.take_all(); letter != nullptr; letter = letter->next)
    numbers.push_back(static_cast<Numbered*>(letter)->number);
  return numbers;
}
using Numbers = std::vector<std::uint64_t>;

TEST(Mailbox, IsEmptyAtFirst) {
  Mailbox mailbox;
  EXPECT_TRUE(mailbox.empty());
  EXPECT_EQ(mailbox.take_all(), nullptr);
}

TEST(Mailbox, GivesLettersInTheirOrder) {
  Mailbox mailbox;
  Numbered one(1), two(2), three(3);
  for (Numbered* const letter : {&one, &two, &three}) mailbox.push(*letter);
  EXPECT_FALSE(mailbox.empty());
  EXPECT_EQ(take_numbers(mailbox), (Numbers{1, 2, 3}));
  EXPECT_TRUE(mailbox.empty());
}

TEST(Mailbox, TakesALetterThatCameBack) {
  Mailbox mailbox;
  Numbered one(1), two(2);
  mailbox.push(one);
  mailbox.push(two);
  EXPECT_EQ(take_numbers(mailbox), (Numbers{1, 2}));
  mailbox.push(two);
  mailbox.push(one);
  EXPECT_EQ(take_numbers(mailbox), (Numbers{2, 1}));
}

// S1: under ThreadSanitizer this is also the proof that what a sender wrote before push() is there
// after take_all().
TEST(Mailbox, LosesNothingOfSeveralThreadsAndKeepsTheOrderOfEach) {
  constexpr std::uint64_t kSenders = 3;
  constexpr std::uint64_t kLetters = 20'000;
  Mailbox mailbox;
  std::vector<std::deque<Numbered>> letters(kSenders);
  std::vector<std::thread> senders;
  for (std::uint64_t sender = 0; sender < kSenders; ++sender) {
    senders.emplace_back([&, sender] {
      for (std::uint64_t i = 0; i < kLetters; ++i)
        mailbox.push(letters[sender].emplace_back(sender * kLetters + i));
    });
  }
  std::vector<std::uint64_t> next(kSenders);
  for (std::uint64_t received = 0; received < kSenders * kLetters;) {
    const Numbers numbers = take_numbers(mailbox);
    if (numbers.empty()) std::this_thread::yield();
    for (const std::uint64_t number : numbers) {
      const std::uint64_t sender = number / kLetters;
      ASSERT_EQ(number % kLetters, next[sender]++);
    }
    received += numbers.size();
  }
  for (std::thread& sender : senders) sender.join();
  EXPECT_TRUE(mailbox.empty());
}

}  // namespace
}  // namespace sluice
