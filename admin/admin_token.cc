#include "admin/admin_token.h"

#include <sysexits.h>

#include <cstring>

#include "admin/key_ring.h"
#include "admin/private_file.h"
#include "store/vault/token.h"

namespace sluice {
namespace {

constexpr std::string_view kTokenKey = "admin.token_sha256";

std::unexpected<StartFailure> failed(const StoreError& error, const Writer& writer) {
  return std::unexpected(
      StartFailure{EX_DATAERR, explain(error, writer.environment().path()) + "\n"});
}

// The file before its digest: who finds a digest in the store has had the file.
std::expected<std::optional<Sha256Digest>, StartFailure> make_token(const StoreConfig& config,
                                                                    Writer& writer,
                                                                    const Log& log) {
  const std::string path = config.directory + "/admin.token";
  unlink(path.c_str());  // of a start that was cut off
  const Secret token = generate_token();
  const int os_errno = write_private_file(path, token.reveal());
  if (os_errno != 0 || sync_folder_of(path) != 0) {
    return std::unexpected(StartFailure{EX_CANTCREAT, "cannot write the admin token to " + path +
                                                          ": " + std::strerror(os_errno) +
                                                          "; give one with SIDECAR_ADMIN_TOKEN\n"});
  }
  const Sha256Digest digest = sha256(token.reveal());
  const auto put = writer.transact([&](WriteTransaction& transaction) {
    return transaction.put(Table::kMeta, kTokenKey, text_of(digest));
  });
  if (!put) return failed(put.error(), writer);
  LogLine(log, LogLevel::kInfo, "the administrator's token was made; it stands in this file")
      .field("file", path);
  return digest;
}

}  // namespace

std::expected<std::optional<Sha256Digest>, StartFailure> open_admin_token(const StoreConfig& config,
                                                                          const Environment& env,
                                                                          Writer* writer,
                                                                          const Log& log) {
  constexpr std::size_t kBytesMin = 16;
  if (const auto given = env.find("SIDECAR_ADMIN_TOKEN"); given && !given->empty()) {
    if (given->size() < kBytesMin) {
      LogLine(log, LogLevel::kWarning,
              "SIDECAR_ADMIN_TOKEN is short: who guesses it has all accounts; openssl rand -hex 32 "
              "makes a better one");
    }
    return sha256(*given);
  }
  if (writer == nullptr) return std::nullopt;
  const auto kept = read_meta(writer->environment(), kTokenKey);
  if (!kept) return failed(kept.error(), *writer);
  if (!*kept) return make_token(config, *writer, log);
  Sha256Digest digest;
  if ((*kept)->size() != digest.size())
    return failed({.code = StoreErrc::kMalformed, .table = Table::kMeta}, *writer);
  std::memcpy(digest.data(), (*kept)->data(), digest.size());
  return digest;
}

}  // namespace sluice
