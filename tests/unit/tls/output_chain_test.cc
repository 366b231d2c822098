#include "tls/output_chain.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "base/prng.h"

namespace sluice {
namespace {

TEST(OutputChain, IsEmptyAndHoldsNothingAtFirst) {
  BlockPool pool;
  OutputChain chain(pool);
  std::array<std::string_view, 4> pieces;
  EXPECT_EQ(chain.front(), "");
  EXPECT_EQ(chain.pieces(pieces), 0u);
  chain.append_copy("");
  EXPECT_EQ(pool.bytes_in_use(), 0u);
}

TEST(OutputChain, SmallTextsTakeTheSmallestBlock) {
  BlockPool pool;
  OutputChain chain(pool);
  chain.append_copy("an event");
  chain.append_copy(", and another");
  EXPECT_EQ(chain.front(), "an event, and another");
  EXPECT_EQ(pool.bytes_in_use(), OutputChain::kBlockBytesMin);
  chain.consume(chain.bytes());
  EXPECT_EQ(pool.bytes_in_use(), 0u);
}

TEST(OutputChain, AFullRecordLiesInOnePiece) {
  BlockPool pool;
  OutputChain chain(pool);
  chain.append_copy(std::string(16384 + 22, 'r'));
  EXPECT_EQ(chain.front().size(), 16384u + 22);
}

TEST(OutputChain, BytesComeOutInOrderWhateverTheSteps) {
  Prng random(20240607);
  BlockPool pool;
  OutputChain chain(pool);
  std::string in;
  std::string out;
  for (int step = 0; step < 5000; ++step) {
    if (random.below(2) == 0) {
      const std::string text(random.below(40000), static_cast<char>('a' + step % 26));
      in += text;
      chain.append_copy(text);
    } else if (const std::string_view front = chain.front(); !front.empty()) {
      const std::size_t bytes = random.below(front.size()) + 1;
      out += front.substr(0, bytes);
      chain.consume(bytes);
    }
    ASSERT_EQ(chain.bytes(), in.size() - out.size());
    if (in.size() > (8u << 20)) break;
  }
  std::array<std::string_view, 2> pieces;
  while (chain.bytes() > 0) {
    std::size_t bytes = 0;
    const std::size_t count = chain.pieces(pieces);
    for (std::size_t i = 0; i < count; ++i) {
      out += pieces[i];
      bytes += pieces[i].size();
    }
    chain.consume(bytes);
  }
  EXPECT_TRUE(in == out);
  EXPECT_EQ(pool.bytes_in_use(), 0u);
}

}  // namespace
}  // namespace sluice
