// The master key: what is taken for one, where it is read from, and what is derived from it.
#include "store/vault/master_key.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "tests/unit/vault/keys.h"
#include "tls/digest.h"

namespace sluice {
namespace {

constexpr std::string_view kDigits =
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

std::string hex(std::string_view bytes) {
  std::string out(bytes.size() * 2, '\0');
  write_hex(bytes, out.data());
  return out;
}

struct MalformedRow {
  const char* rule;
  std::string digits;
  std::string_view problem;
};

const MalformedRow kMalformedRows[] = {
    {"empty", "", "is empty"},
    {"one digit short", std::string(63, 'a'), "has 63 characters"},
    {"one digit more", std::string(65, 'a'), "has 65 characters"},
    {"a letter that is no digit", std::string(63, 'a') + "g", "no hexadecimal digit"},
    {"a space in front", " " + std::string(63, 'a'), "no hexadecimal digit"},
    {"a line end", std::string(64, 'a') + "\n", "has 65 characters"},
    {"a NUL", std::string(63, 'a') + std::string(1, '\0'), "no hexadecimal digit"},
    {"64 bytes of UTF-8", std::string(62, 'a') + "\xc3\xa9", "no hexadecimal digit"},
};

TEST(MasterKey, AMalformedKeyIsRefusedWithoutShowingIt) {
  for (const MalformedRow& row : kMalformedRows) {
    const auto key = MasterKey::parse(row.digits, "SIDECAR_ENCRYPTION_KEY");
    ASSERT_FALSE(key) << row.rule;
    EXPECT_EQ(key.error().find("SIDECAR_ENCRYPTION_KEY: "), 0u) << row.rule;
    EXPECT_NE(key.error().find(row.problem), std::string::npos) << row.rule << key.error();
    EXPECT_NE(key.error().find("openssl rand -hex 32"), std::string::npos) << row.rule;
    EXPECT_EQ(key.error().find("aaaa"), std::string::npos) << row.rule;
  }
}

TEST(MasterKey, EitherCaseIsTheSameKey) {
  std::string upper(kDigits);
  for (char& c : upper) c = static_cast<char>(std::toupper(c));
  const auto a = MasterKey::parse(kDigits, "a"), b = MasterKey::parse(upper, "b");
  ASSERT_TRUE(a && b);
  EXPECT_EQ(a->id(), b->id());
  EXPECT_EQ(b->digits().reveal(), kDigits);
}

// Computed with node's crypto.createHmac: the id and the derived keys stand in databases, so they
// never change.
TEST(MasterKey, IdAndDerivedKeysAreTheOnesOfTheFirstVersion) {
  const auto key = MasterKey::parse(kDigits, "test");
  ASSERT_TRUE(key);
  EXPECT_EQ(key->id().text(), "99016f5d6d6f5677");
  EXPECT_EQ(hex(key->derive(KeyPurpose::kFields).reveal()),
            "67517d1d2eea628f2afdf9afc2c9ca98afbd59337dc2bb86155ab192b5744a1f");
  EXPECT_EQ(hex(key->derive(KeyPurpose::kKeyCheck).reveal()),
            "29616f99643d0a835641ca47efb063a2fe3e519352794dcbbc4140b4ffc5e023");
}

TEST(MasterKey, GeneratedKeysDifferAndAreReadAgain) {
  const MasterKey a = MasterKey::generate(), b = MasterKey::generate();
  EXPECT_NE(a.id(), b.id());
  const Secret digits = a.digits();
  const auto again = MasterKey::parse(digits.reveal(), "test");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->id(), a.id());
}

// KeyFile - a file in the tests' folder with a mode of its own.
class KeyFile {
 public:
  KeyFile(std::string_view content, mode_t mode) {
    path_ = testing::TempDir() + "sluice-key-XXXXXX";
    close(mkstemp(path_.data()));
    std::ofstream(path_, std::ios::binary) << content;
    EXPECT_EQ(chmod(path_.c_str(), mode), 0);
  }
  ~KeyFile() { unlink(path_.c_str()); }
  KeyFile(const KeyFile&) = delete;
  KeyFile& operator=(const KeyFile&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct FileRow {
  const char* rule;
  std::string content;
  mode_t mode;
  std::string_view problem;  // "": it is taken
};

const FileRow kFileRows[] = {
    {"digits alone", std::string(kDigits), 0600, ""},
    {"with a line end", std::string(kDigits) + "\n", 0600, ""},
    {"with the other line end", std::string(kDigits) + "\r\n", 0400, ""},
    {"readable by the group", std::string(kDigits), 0640, "chmod 0600"},
    {"readable by everyone", std::string(kDigits), 0604, "chmod 0600"},
    {"writable by the group", std::string(kDigits), 0620, "chmod 0600"},
    {"two line ends", std::string(kDigits) + "\n\n", 0600, "more than 64 characters"},
    {"much longer", std::string(5000, 'a'), 0600, "more than 64 characters"},
    {"empty", "", 0600, "is empty"},
    {"a line end only", "\n", 0600, "is empty"},
};

TEST(MasterKey, AFileIsTakenWhenItsOwnerAloneMayReadIt) {
  for (const FileRow& row : kFileRows) {
    const KeyFile file(row.content, row.mode);
    const auto key = MasterKey::read_file(file.path());
    EXPECT_EQ(key.has_value(), row.problem.empty()) << row.rule;
    if (key) {
      EXPECT_EQ(key->digits().reveal(), kDigits) << row.rule;
      continue;
    }
    EXPECT_EQ(key.error().find(file.path() + ": "), 0u) << row.rule;
    EXPECT_NE(key.error().find(row.problem), std::string::npos) << row.rule << key.error();
    EXPECT_EQ(key.error().find("0001"), std::string::npos) << row.rule;
  }
}

TEST(MasterKey, WhatIsNoFileIsRefused) {
  const auto missing = MasterKey::read_file(testing::TempDir() + "sluice-no-such-key");
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().find("No such file"), std::string::npos);
  const auto folder = MasterKey::read_file(testing::TempDir());
  ASSERT_FALSE(folder);
  EXPECT_NE(folder.error().find("no regular file"), std::string::npos) << folder.error();
}

}  // namespace
}  // namespace sluice
