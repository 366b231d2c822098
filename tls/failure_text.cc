#include "tls/failure_text.h"

namespace sluice {

void FailureText::append(std::string_view part) {
  if (text_ == nullptr) text_ = static_cast<char*>(pool_->take(kFailureBytesMax));
  for (const char byte : part) {
    if (bytes_ == kFailureBytesMax) return;
    text_[bytes_++] = byte >= ' ' && byte <= '~' ? byte : '?';
  }
}

void FailureText::clear() noexcept {
  if (text_ != nullptr) pool_->give(text_, kFailureBytesMax);
  text_ = nullptr;
  bytes_ = 0;
}

}  // namespace sluice
