#include "tests/integration/raw_tls_client.h"

#include <cstdlib>
#include <span>

namespace sluice {
namespace {

ClientTlsContext context_for(const std::string& ca_file) {
  std::expected<TrustStore, std::string> trust = TrustStore::from_file(ca_file);
  if (!trust) std::abort();  // the test's own file
  std::expected<ClientTlsContext, std::string> context = ClientTlsContext::create(*trust);
  if (!context) std::abort();
  return std::move(*context);
}

}  // namespace

RawTlsClient::RawTlsClient(std::uint16_t port, const std::string& host, const std::string& ca_file)
    : transport_(port),
      context_(context_for(ca_file)),
      session_(context_, TlsPeer{.host = host, .port = port}, pool_) {
  while (transport_.open()) {
    const TlsStatus status = session_.handshake();
    if (!flush() || status == TlsStatus::kFailed) return;
    if (status == TlsStatus::kDone) {
      ready_ = true;
      return;
    }
    if (!feed(5s)) return;
  }
}

bool RawTlsClient::flush() {
  while (session_.output_bytes() > 0) {
    const std::string_view output = session_.output();
    if (!transport_.send(output)) return false;
    session_.consume_output(output.size());
  }
  return true;
}

bool RawTlsClient::feed(RawClient::Timeout timeout) {
  ciphertext_ = transport_.read_some(timeout);
  if (ciphertext_.empty()) {
    if (transport_.state() == RawClient::State::kOpen) return false;
    session_.end_input();
    return transport_.state() == RawClient::State::kEnded && ready_;
  }
  session_.set_input(std::span<const char>(ciphertext_.data(), ciphertext_.size()));
  return true;
}

bool RawTlsClient::send(std::string_view text) {
  while (!text.empty()) {
    const Result<std::size_t> taken = session_.write(text);
    if (!taken || !flush()) return false;
    text.remove_prefix(*taken);
  }
  return true;
}

std::string RawTlsClient::read(std::size_t enough, RawClient::Timeout timeout) {
  std::string text;
  char buffer[16 * 1024];
  while (text.size() < enough && end_ == End::kOpen) {
    const TlsRead read = session_.read(buffer);
    text.append(buffer, read.bytes);
    switch (read.state) {
      case TlsReadState::kMore: break;
      case TlsReadState::kClosed: end_ = End::kCloseNotify; break;
      case TlsReadState::kTruncated: end_ = End::kTruncated; break;
      case TlsReadState::kFailed: end_ = End::kFailed; break;
      case TlsReadState::kWantInput:
        if (text.size() >= enough || feed(timeout)) break;
        if (transport_.state() != RawClient::State::kReset) return text;
        end_ = End::kReset;
        break;
    }
  }
  return text;
}

std::string RawTlsClient::read_until_end(RawClient::Timeout timeout) {
  return read(std::string().max_size(), timeout);
}

}  // namespace sluice
