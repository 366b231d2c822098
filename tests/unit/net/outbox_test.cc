#include "engine/net/outbox.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/io/pool_block.h"
#include "tests/unit/net/scarce_home.h"

namespace sluice {
namespace {

std::vector<std::string> pieces_of(Outbox& outbox) {
  std::vector<std::string> pieces;
  for (const iovec& piece : outbox.pieces())
    pieces.emplace_back(static_cast<const char*>(piece.iov_base), piece.iov_len);
  return pieces;
}
std::string text_of(Outbox& outbox) {
  std::string text;
  for (const std::string& piece : pieces_of(outbox)) text += piece;
  return text;
}
using Pieces = std::vector<std::string>;

// Adds the slice's bytes and keeps it, as the relay does.
void add_slice(Outbox& outbox, Slice slice) {
  outbox.add(slice.view());
  outbox.keep(std::move(slice));
}

TEST(Outbox, IsPiecesInTheirOrder) {
  BlockPool pool;
  Outbox outbox(pool);
  EXPECT_TRUE(outbox.empty());
  outbox.add("b");
  outbox.add("");
  outbox.add("c");
  outbox.add_front("a");
  outbox.add_front("");
  outbox.add_front("0");
  EXPECT_EQ(pieces_of(outbox), (Pieces{"0", "a", "b", "c"}));
  EXPECT_EQ(outbox.bytes(), 4u);
  EXPECT_FALSE(outbox.empty());
}

TEST(Outbox, WhatIsTakenGoesHoweverItIsCut) {
  const std::string text = "a head, a chunk and its end";
  for (std::size_t first = 0; first <= text.size(); ++first) {
    for (std::size_t second = 0; first + second <= text.size(); ++second) {
      BlockPool pool;
      Outbox outbox(pool);
      outbox.add("a chunk");
      outbox.add(" and");
      outbox.add(" ");
      outbox.add("its end");
      outbox.add_front("a head, ");
      outbox.consume(first);
      ASSERT_EQ(text_of(outbox), text.substr(first)) << first;
      ASSERT_EQ(outbox.bytes(), text.size() - first);
      outbox.consume(second);
      ASSERT_EQ(text_of(outbox), text.substr(first + second)) << first << "+" << second;
      ASSERT_EQ(outbox.empty(), first + second == text.size());
    }
  }
}

TEST(Outbox, SlicesLiveUntilTheLastByteIsTaken) {
  ScarceHome home("hello, world");
  BlockPool pool;
  Outbox outbox(pool);
  add_slice(outbox, home.slice(0, 5));
  outbox.add("; ");
  add_slice(outbox, home.slice(7, 5));
  EXPECT_EQ(home.slices(), 2u);
  EXPECT_TRUE(outbox.scarce());
  outbox.consume(11);
  EXPECT_EQ(text_of(outbox), "d");
  EXPECT_EQ(home.slices(), 2u);
  outbox.consume(1);
  EXPECT_EQ(home.slices(), 0u);
  EXPECT_FALSE(outbox.scarce());
}

TEST(Outbox, ASliceBehindItsNeighbourIsOneWithIt) {
  ScarceHome home("hello, world");
  BlockPool pool;
  Outbox outbox(pool);
  for (std::size_t i = 0; i < 12; ++i) outbox.keep(home.slice(i, 1));
  EXPECT_EQ(home.slices(), 1u);
  outbox.keep(home.slice(0, 1));  // lies elsewhere
  EXPECT_EQ(home.slices(), 2u);
  outbox.clear();
  EXPECT_EQ(home.slices(), 0u);
}

TEST(Outbox, AnEmptySliceIsNotKept) {
  ScarceHome home("x");
  BlockPool pool;
  Outbox outbox(pool);
  outbox.keep(home.slice(0, 0));
  outbox.keep(Slice{});
  EXPECT_EQ(home.slices(), 0u);
  EXPECT_FALSE(outbox.scarce());
}

TEST(Outbox, OnlySlicesOfTheRingAreScarce) {
  BlockPool pool;
  Outbox outbox(pool);
  add_slice(outbox, copy_to_pool(pool, "decrypted"));
  EXPECT_FALSE(outbox.scarce());
  ScarceHome home("received");
  add_slice(outbox, home.whole());
  EXPECT_TRUE(outbox.scarce());
  add_slice(outbox, copy_to_pool(pool, "decrypted"));
  EXPECT_TRUE(outbox.scarce());
  outbox.clear();
  EXPECT_FALSE(outbox.scarce());
}

TEST(Outbox, CopyingOutFreesTheRingAndKeepsTheBytes) {
  BlockPool pool;
  {
    ScarceHome first("first, "), second("second");
    Outbox outbox(pool);
    outbox.add_front("head: ");
    add_slice(outbox, first.whole());
    outbox.add("and ");
    add_slice(outbox, second.whole());
    outbox.consume(8);
    outbox.copy_out();
    EXPECT_EQ(first.slices() + second.slices(), 0u);
    EXPECT_FALSE(outbox.scarce());
    EXPECT_EQ(pieces_of(outbox), (Pieces{"rst, and second"}));
    EXPECT_EQ(outbox.bytes(), 15u);
    outbox.add_front("a");  // room in front as in a fresh one
    outbox.add_front("b");
    EXPECT_EQ(text_of(outbox), "barst, and second");
    EXPECT_GT(pool.bytes_in_use(), 0u);
    outbox.consume(17);
    EXPECT_EQ(pool.bytes_in_use(), 0u);
    outbox.copy_out();  // nothing is left: takes no block
    EXPECT_EQ(pool.bytes_in_use(), 0u);
  }
  EXPECT_EQ(pool.bytes_in_use(), 0u);
}

TEST(Outbox, HoldsABlockOnlyWhileSomethingIsInIt) {
  BlockPool pool;
  Outbox outbox(pool);
  EXPECT_TRUE(outbox.pieces().empty());
  EXPECT_EQ(pool.bytes_in_use(), 0u);
  outbox.add("text");
  EXPECT_GT(pool.bytes_in_use(), 0u);
  outbox.consume(4);
  EXPECT_EQ(pool.bytes_in_use(), 0u);
  outbox.add("more");
  outbox.clear();
  EXPECT_EQ(pool.bytes_in_use(), 0u);
}

TEST(Outbox, IsFullWhileAFillersShareStillFits) {
  BlockPool pool;
  Outbox outbox(pool);
  std::size_t added = 0;
  for (; !outbox.full(); ++added) outbox.add("x");
  EXPECT_EQ(added, Outbox::kPiecesMax - Outbox::kFrontMax - Outbox::kPiecesReserved + 1);
  while (added < Outbox::kPiecesMax - Outbox::kFrontMax) {
    outbox.add("x");
    ++added;
  }
  EXPECT_EQ(outbox.pieces().size(), Outbox::kPiecesMax - Outbox::kFrontMax);
  outbox.consume(added);
  EXPECT_FALSE(outbox.full());
}

TEST(Outbox, IsFullOfBytes) {
  const std::string text(Outbox::kBytesMax, 'x');
  BlockPool pool;
  Outbox outbox(pool);
  outbox.add(text);
  EXPECT_FALSE(outbox.full()) << "an answer of 64 KiB goes with its head in one send";
  outbox.add("x");
  EXPECT_TRUE(outbox.full());
  outbox.consume(1);
  EXPECT_FALSE(outbox.full());
}

TEST(Outbox, IsFullOfSlicesToo) {
  BlockPool pool;
  Outbox outbox(pool);
  outbox.add("one piece");
  std::size_t kept = 0;
  for (; !outbox.full(); ++kept) outbox.keep(copy_to_pool(pool, "x"));
  EXPECT_EQ(kept, Outbox::kSlicesMax - 1);
  outbox.keep(copy_to_pool(pool, "x"));  // the one that full() leaves room for
  outbox.clear();
  EXPECT_FALSE(outbox.full());
  EXPECT_EQ(pool.bytes_in_use(), 0u);
}

}  // namespace
}  // namespace sluice
