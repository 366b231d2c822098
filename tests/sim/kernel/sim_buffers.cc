#include "tests/sim/kernel/sim_buffers.h"

#include <algorithm>
#include <cstring>

#include "base/poison.h"
#include "engine/io/buffer_ring.h"

namespace sluice {

SimBuffers::Buffer::Buffer(SimBuffers& owner, std::uint32_t bytes)
    : SliceHome(true), owner(&owner), memory(new char[bytes + BufferRing::kSlackBytes]) {}

SimBuffers::Buffer::~Buffer() {
  SL_UNPOISON(memory.get(), owner->bytes_);
  SL_ASSERT(slices() == 0);
}

void SimBuffers::Buffer::wipe() {
  constexpr int kFree = 0xdd;
  used = 0;
  taken = false;
  std::memset(memory.get(), kFree, owner->bytes_);
  SL_POISON(memory.get(), owner->bytes_);
}

void SimBuffers::Buffer::on_unused() noexcept {
  if (!taken) return;
  wipe();
  owner->free_.push_back(this);
}

SimBuffers::SimBuffers(std::uint32_t count, std::uint32_t bytes, bool incremental)
    : bytes_(bytes), incremental_(incremental) {
  for (std::uint32_t i = 0; i < count; ++i) {
    all_.push_back(std::make_unique<Buffer>(*this, bytes));
    all_.back()->wipe();
    free_.push_back(all_.back().get());
  }
}

SimBuffers::~SimBuffers() { SL_ASSERT(free_.size() == all_.size()); }

Slice SimBuffers::fill(std::string_view data) {
  SL_ASSERT(!free_.empty() && !data.empty());
  Buffer& buffer = *free_.front();
  SL_UNPOISON(buffer.memory.get(), bytes_);
  const auto size =
      static_cast<std::uint32_t>(std::min<std::size_t>(data.size(), bytes_ - buffer.used));
  char* const target = buffer.memory.get() + buffer.used;
  std::memcpy(target, data.data(), size);
  buffer.used += size;
  if (!incremental_ || buffer.used == bytes_) {
    buffer.taken = true;
    free_.pop_front();
  }
  return Slice(buffer, target, size);
}

}  // namespace sluice
