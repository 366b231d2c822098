#include "store/journal/crc32c.h"

#include <gtest/gtest.h>

#include <numeric>
#include <string>
#include <vector>

#include "base/prng.h"

namespace sluice {
namespace {

std::string counting_up(int first, int step) {
  std::string out(32, '\0');
  for (char& c : out) c = static_cast<char>(std::exchange(first, first + step));
  return out;
}

// RFC 3720 B.4, and the check value of every catalogue of CRCs.
struct VectorRow {
  const char* name;
  std::string bytes;
  std::uint32_t crc;
};
const VectorRow kVectorRows[] = {
    {"32 bytes of zeros", std::string(32, '\0'), 0x8a9136aa},
    {"32 bytes of ones", std::string(32, '\xff'), 0x62a8ab43},
    {"32 bytes counting up", counting_up(0, 1), 0x46dd794e},
    {"32 bytes counting down", counting_up(31, -1), 0x113fdb5c},
    {"an iSCSI read command",
     std::string("\x01\xc0\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
                 "\x14\x00\x00\x00\x00\x00\x04\x00\x00\x00\x00\x14\x00\x00\x00\x18"
                 "\x28\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00",
                 48),
     0xd9963a56},
    {"the nine digits", "123456789", 0xe3069283},
    {"nothing", "", 0},
};

TEST(Crc32c, KnownVectors) {
  for (const VectorRow& row : kVectorRows) {
    EXPECT_EQ(crc32c(row.bytes.data(), row.bytes.size()), row.crc) << row.name;
    EXPECT_EQ(crc32c_by_table(row.bytes.data(), row.bytes.size()), row.crc) << row.name;
  }
}

TEST(Crc32c, BeforeIsTheWayBack) {
  Prng random(3);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::uint8_t> bytes(random.below(130));
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.next());
    const auto begun = static_cast<std::uint32_t>(random.next());
    ASSERT_EQ(crc32c_before(bytes.data(), bytes.size(), crc32c(bytes.data(), bytes.size(), begun)),
              begun);
  }
}

TEST(Crc32c, TheTableAndTheInstructionAgree) {
  if (!crc32c_has_instruction()) return;  // nothing to compare on this processor
  Prng random(1);
  std::vector<unsigned char> bytes(300);
  for (unsigned char& byte : bytes) byte = static_cast<unsigned char>(random.next());
  for (std::size_t from = 0; from < 9; ++from) {
    for (std::size_t size = 0; size <= bytes.size() - from; ++size) {
      const auto before = static_cast<std::uint32_t>(random.next());
      ASSERT_EQ(crc32c_by_instruction(&bytes[from], size, before),
                crc32c_by_table(&bytes[from], size, before))
          << from << " " << size;
    }
  }
}

TEST(Crc32c, ContinuesWhereItWasCut) {
  const std::string text = "a text that is long enough to be cut anywhere";
  for (std::size_t cut = 0; cut <= text.size(); ++cut)
    EXPECT_EQ(crc32c(text.data() + cut, text.size() - cut, crc32c(text.data(), cut)),
              crc32c(text.data(), text.size()));
}

TEST(Crc32c, AnotherBeginningNeverGivesTheSameSum) {
  Prng random(2);
  const std::string text = "the same bytes";
  for (int i = 0; i < 10'000; ++i) {
    const auto one = static_cast<std::uint32_t>(random.next());
    const auto other = one ^ (1u << random.below(32));
    ASSERT_NE(crc32c(text.data(), text.size(), one), crc32c(text.data(), text.size(), other));
  }
}

}  // namespace
}  // namespace sluice
