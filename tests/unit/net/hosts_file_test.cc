#include "engine/net/hosts_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>

#include "parser/host_name.h"

namespace sluice {
namespace {

std::string text_of(const AddressList& list) {
  std::string text;
  for (const IpAddress& ip : list) {
    if (!text.empty()) text += ' ';
    const std::string with_port = address_text(socket_address(ip, 0));
    text += with_port.substr(0, with_port.size() - 2);
  }
  return text;
}

struct HostsRow {
  const char* rule;
  const char* file;
  const char* name;
  const char* expected;
};
constexpr HostsRow kHostsRows[] = {
    {"an address and a name", "192.0.2.1 a.example\n", "a.example", "192.0.2.1"},
    {"tabs, blanks in front, no line feed at the end", " \t192.0.2.1\t\ta", "a", "192.0.2.1"},
    {"a carriage return is blank", "192.0.2.1 a\r\n192.0.2.2 b\r\n", "a", "192.0.2.1"},
    {"aliases", "192.0.2.1 a b c\n", "c", "192.0.2.1"},
    {"upper case", "192.0.2.1 A.Example\n", "a.example", "192.0.2.1"},
    {"a dot at the end", "192.0.2.1 a.example.\n", "a.example", "192.0.2.1"},
    {"a comment", "# 192.0.2.1 a\n192.0.2.2 a # 192.0.2.3\n", "a", "192.0.2.2"},
    {"a comment that touches a name", "192.0.2.1 a#b\n", "a", "192.0.2.1"},
    {"what stands in a comment is no name", "192.0.2.1 a # b\n", "b", ""},
    {"several lines, in the order of the file", "::2 a\n192.0.2.1 b a\n::1 a\n", "a",
     "[::2] 192.0.2.1 [::1]"},
    {"the same line twice", "192.0.2.1 a\n192.0.2.1 a\n", "a", "192.0.2.1"},
    {"a line without an address is passed over", "nonsense a\n192.0.2.1 a\n", "a", "192.0.2.1"},
    {"a zone is passed over", "fe80::1%lo0 a\n", "a", ""},
    {"a name that is none is passed over", "192.0.2.1 a*b good\n", "good", "192.0.2.1"},
    {"a part of a name is not the name", "192.0.2.1 abc\n", "ab", ""},
    {"an empty file", "", "a", ""},
};

TEST(HostsFileTest, ReadsWhatTheCLibraryReads) {
  for (const HostsRow& row : kHostsRows) {
    EXPECT_EQ(text_of(HostsFile::parse(row.file).find(row.name)), row.expected) << row.rule;
  }
}

TEST(HostsFileTest, AFileThatIsNotThereIsEmpty) {
  const auto file = HostsFile::read("/nonexistent/hosts");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->size(), 0u);
}

TEST(HostsFileTest, AFileThatCannotBeReadIsNamed) {
  const auto file = HostsFile::read("/");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error(), "cannot read /: Is a directory");
}

TEST(HostsFileTest, ReadsAFile) {
  char path[] = "/tmp/sluice-hosts-XXXXXX";
  const int fd = mkstemp(path);
  ASSERT_GE(fd, 0);
  const std::string text = "192.0.2.1 a\n" + std::string(40'000, '#') + "\n192.0.2.2 b\n";
  ASSERT_EQ(write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  close(fd);
  const auto file = HostsFile::read(path);
  std::remove(path);
  ASSERT_TRUE(file);
  EXPECT_EQ(text_of(file->find("b")), "192.0.2.2");
}

struct NameRow {
  const char* rule;
  std::string text;
  const char* expected;  // nullptr: refused
};
const std::string kLabel63(63, 'a');
const std::string kName253 =
    kLabel63 + "." + kLabel63 + "." + kLabel63 + "." + std::string(61, 'b');
const NameRow kNameRows[] = {
    {"letters, digits, hyphens and underscores", "a-1_b.example", "a-1_b.example"},
    {"become lower case", "API.Example", "api.example"},
    {"a dot at the end is kept", "api.example.", "api.example."},
    {"one label", "gateway", "gateway"},
    {"a label of digits in front", "1.example", "1.example"},
    {"63 bytes are a label", kLabel63, kLabel63.c_str()},
    {"64 are none", kLabel63 + "a", nullptr},
    {"253 bytes are a name", kName253, kName253.c_str()},
    {"254 are none", kName253 + "b", nullptr},
    {"two dots", "a..b", nullptr},
    {"a dot in front", ".a", nullptr},
    {"two dots at the end", "a..", nullptr},
    {"nothing but a dot", ".", nullptr},
    {"nothing", "", nullptr},
    {"a blank", "a b", nullptr},
    {"a NUL", std::string("a\0b", 3), nullptr},
    {"bytes above ASCII", "\xc3\xa9.example", nullptr},
    {"a last label of digits", "192.0.2", nullptr},
    {"a last label in hexadecimal", "a.0x7f", nullptr},
    {"a zone", "fe80::1%eth0", nullptr},
};

TEST(HostNameTest, IsALabelAfterTheOther) {
  for (const NameRow& row : kNameRows) {
    const std::optional<HostName> name = HostName::parse(row.text);
    ASSERT_EQ(name.has_value(), row.expected != nullptr) << row.rule;
    if (name) {
      EXPECT_EQ(name->view(), row.expected) << row.rule;
    }
  }
}

}  // namespace
}  // namespace sluice
