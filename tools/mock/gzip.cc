#include "tools/mock/gzip.h"

#include <zlib.h>

#include "base/assert.h"

namespace sluice {

std::vector<std::string> gzip_pieces(const std::vector<std::string>& pieces) {
  constexpr int kGzipFormat = 16;  // added to the window's bits (zlib.h, deflateInit2)
  constexpr int kMemoryLevel = 8;
  z_stream zip{};
  const int begun = deflateInit2(&zip, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + kGzipFormat,
                                 kMemoryLevel, Z_DEFAULT_STRATEGY);
  SL_ASSERT(begun == Z_OK);
  std::vector<std::string> out;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    std::string text = pieces[i];  // zlib wants to write to what it reads
    zip.next_in = reinterpret_cast<Bytef*>(text.data());
    zip.avail_in = static_cast<uInt>(text.size());
    const int flush = i + 1 == pieces.size() ? Z_FINISH : Z_SYNC_FLUSH;
    std::string& target = out.emplace_back();
    do {
      char buffer[16 * 1024];
      zip.next_out = reinterpret_cast<Bytef*>(buffer);
      zip.avail_out = sizeof(buffer);
      static_cast<void>(deflate(&zip, flush));
      target.append(buffer, sizeof(buffer) - zip.avail_out);
    } while (zip.avail_out == 0);
  }
  deflateEnd(&zip);
  return out;
}

}  // namespace sluice
