// make_test_certs DIR [NAME...] - writes certificates for end-to-end tests into DIR:
//
//   ca.pem                            the authority to trust
//   server.pem, server.key            for localhost, 127.0.0.1, ::1 and each NAME, by an
//   intermediate wildcard.pem, wildcard.key        for *.example.test expired.pem, expired.key for
//   localhost, over since yesterday wrong_host.pem, wrong_host.key    for other.example.test
//   self_signed.pem, self_signed.key  for localhost, by itself
//   unknown.pem, unknown.key          for localhost, by an authority that ca.pem is not
#include <cstdio>
#include <filesystem>
#include <string>

#include "tests/unit/tls/test_certificates.h"

namespace {

bool write_file(const std::filesystem::path& path, const std::string& text) {
  std::FILE* const file = std::fopen(path.c_str(), "we");
  if (file == nullptr) return false;
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  return std::fclose(file) == 0 && written;
}

bool write_pair(const std::filesystem::path& folder, const std::string& name,
                const sluice::PemPair& pair) {
  return write_file(folder / (name + ".pem"), pair.certificate) &&
         write_file(folder / (name + ".key"), pair.key);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: make_test_certs DIR [NAME...]\n", stderr);
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  std::error_code ignored;
  std::filesystem::create_directories(folder, ignored);
  const sluice::TestAuthority root("sluice test authority");
  const sluice::TestAuthority intermediate("sluice test intermediate", &root);
  const sluice::TestAuthority stranger("an unknown authority");
  sluice::LeafSpec local{.dns_names = {"localhost"}, .addresses = {"127.0.0.1", "::1"}};
  sluice::LeafSpec server = local;
  for (int i = 2; i < argc; ++i) server.dns_names.emplace_back(argv[i]);
  sluice::LeafSpec expired = local;
  expired.not_before_s = -30 * 86400;
  expired.not_after_s = -86400;
  const bool done =
      write_file(folder / "ca.pem", root.certificate_pem()) &&
      write_pair(folder, "server", intermediate.issue(server)) &&
      write_pair(folder, "wildcard", root.issue({.dns_names = {"*.example.test"}})) &&
      write_pair(folder, "expired", root.issue(expired)) &&
      write_pair(folder, "wrong_host", root.issue({.dns_names = {"other.example.test"}})) &&
      write_pair(folder, "self_signed", sluice::self_signed(local)) &&
      write_pair(folder, "unknown", stranger.issue(local));
  if (!done) std::perror(folder.c_str());
  return done ? 0 : 1;
}
