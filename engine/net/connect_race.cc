#include "engine/net/connect_race.h"

#include <algorithm>

namespace sluice {

ConnectRace::ConnectRace(Reactor& reactor, const AddressList& addresses,
                         std::uint16_t port) noexcept
    : reactor_(&reactor), count_(std::min(addresses.size(), kAttemptsMax)) {
  SL_ASSERT(count_ > 0);
  for (std::size_t i = 0; i < count_; ++i) {
    attempts_[i].race = this;
    attempts_[i].address = socket_address(addresses[i], port);
  }
}

void ConnectRace::start_due(Instant now) noexcept {
  while (started_ < count_ && now >= due_ && winner_ < 0) {
    due_ = now + kStagger;
    start(attempts_[started_++]);
  }
}

Instant ConnectRace::next_start() const noexcept { return started_ < count_ ? due_ : kNever; }

bool ConnectRace::decided() const noexcept {
  return winner_ >= 0 || (running_ == 0 && started_ == count_);
}

void ConnectRace::start(Attempt& attempt) noexcept {
  const Result<int> fd = reactor_->kernel().open_socket(attempt.address.storage.ss_family);
  if (!fd) {
    note_failure(fd.error());
    return;
  }
  attempt.fd = *fd;
  ++running_;
  reactor_->kernel().connect(attempt.fd, attempt.address, attempt);
}

void ConnectRace::ended(Attempt& attempt, std::int32_t result) noexcept {
  --running_;
  if (result == 0 && winner_ < 0 && !called_off_) {
    winner_ = attempt.fd;
  } else {
    reactor_->kernel().close_socket(attempt.fd);
    if (result != 0) note_failure(error_from_errno(-result, Side::kUpstream));
  }
  attempt.fd = -1;
  changed_ = true;
  if (waiter_ != nullptr) waiter_->wake();
}

void ConnectRace::note_failure(const Error& error) noexcept {
  due_ = Instant::min();
  if (called_off_) return;
  // An IPv6 socket that cannot be made says less than a connection that was refused.
  if (error.side == Side::kOurs && failure_.side == Side::kUpstream) return;
  failure_ = error;
  failure_.retry = Retry::kSafe;
  if (error.side == Side::kUpstream) failure_.code = Errc::kConnectFailed;
}

void ConnectRace::call_off() noexcept {
  called_off_ = true;
  for (Attempt& attempt : attempts_) {
    if (attempt.in_flight()) reactor_->kernel().cancel(attempt);
  }
}

Result<int> ConnectRace::outcome() const noexcept {
  if (winner_ >= 0) return winner_;
  return std::unexpected(failure_);
}

}  // namespace sluice
