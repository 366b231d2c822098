#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

// Certificates made while a test runs, so that none in the tree can expire. All keys are ECDSA
// P-256 unless said otherwise.

struct PemPair {
  std::string certificate;  // leaf first, then its intermediate authority if it has one
  std::string key;
};

struct LeafSpec {
  std::vector<std::string> dns_names = {};
  std::vector<std::string> addresses = {};  // "127.0.0.1", "::1"
  std::string common_name = "a leaf";
  std::int64_t not_before_s = -3600;  // relative to now
  std::int64_t not_after_s = 30 * 86400;
  bool for_servers = true;  // extended key usage: serverAuth, else clientAuth
  bool rsa = false;
};

// TestAuthority - a certificate authority, self-signed, or below another one.
class TestAuthority {
 public:
  explicit TestAuthority(std::string_view common_name, const TestAuthority* parent = nullptr);
  ~TestAuthority();
  TestAuthority(const TestAuthority&) = delete;
  TestAuthority& operator=(const TestAuthority&) = delete;

  [[nodiscard]] std::string certificate_pem() const;
  [[nodiscard]] PemPair issue(const LeafSpec& spec) const;

 private:
  struct Identity;
  std::unique_ptr<Identity> identity_;
  bool intermediate_;
};

[[nodiscard]] PemPair self_signed(const LeafSpec& spec);
// `pair.key`, encrypted with a pass phrase.
[[nodiscard]] std::string encrypted_key(const PemPair& pair, std::string_view pass_phrase);

}  // namespace sluice
