#include "tls/trust.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "tests/unit/test_directory.h"
#include "tests/unit/tls/test_certificates.h"

namespace sluice {
namespace {

// SystemTrust - sets SSL_CERT_FILE for one test.
class SystemTrust : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* const set = std::getenv("SSL_CERT_FILE");
    if (set != nullptr) before_ = set;
  }
  void TearDown() override {
    before_.empty() ? unsetenv("SSL_CERT_FILE") : setenv("SSL_CERT_FILE", before_.c_str(), 1);
  }
  std::string before_;
  TestDirectory directory_;
};

TEST_F(SystemTrust, TheEnvironmentNamesTheFile) {
  const TestAuthority one("one");
  const TestAuthority two("two");
  const std::string path =
      directory_.write("two.pem", one.certificate_pem() + "# comment\n" + two.certificate_pem());
  setenv("SSL_CERT_FILE", path.c_str(), 1);
  const auto trust = TrustStore::system();
  ASSERT_TRUE(trust.has_value()) << trust.error();
  EXPECT_EQ(trust->authorities(), 2u);
}

TEST_F(SystemTrust, AFileThatTheEnvironmentNamesMustBeThere) {
  const std::string path = directory_.path_of("missing.pem");
  setenv("SSL_CERT_FILE", path.c_str(), 1);
  const auto trust = TrustStore::system();
  ASSERT_FALSE(trust.has_value());
  EXPECT_EQ(trust.error(),
            "SSL_CERT_FILE names " + path + ": cannot be opened: No such file or directory");
}

TEST(TrustFile, WithoutACertificateIsRefused) {
  const TestDirectory directory;
  const std::string path = directory.write("key.pem", "no PEM at all\n");
  const auto trust = TrustStore::from_file(path);
  ASSERT_FALSE(trust.has_value());
  EXPECT_EQ(trust.error(), path +
                               ": no certificate in the file; it must hold PEM text with a line "
                               "\"-----BEGIN CERTIFICATE-----\" for each authority to trust");
}

TEST(TrustFile, ACopyIsTheSameStore) {
  const TestDirectory directory;
  const std::string path = directory.write("ca.pem", TestAuthority("one").certificate_pem());
  const auto first = TrustStore::from_file(path);
  const auto second = TrustStore::from_file(path);
  ASSERT_TRUE(first.has_value() && second.has_value());
  const TrustStore copy = *first;
  EXPECT_TRUE(copy == *first);
  EXPECT_FALSE(*first == *second);
}

}  // namespace
}  // namespace sluice
