#include "deflate/inflate.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

#include <isa-l/igzip_lib.h>
#include <libdeflate.h>
#include <zlib.h>

namespace npymap::deflate {

inflated inflate_whole(std::span<const std::byte> in, std::span<std::byte> out) {
  struct deleter {
    void operator()(libdeflate_decompressor* each) const noexcept {
      ::libdeflate_free_decompressor(each);
    }
  };
  const std::unique_ptr<libdeflate_decompressor, deleter> machine(
      ::libdeflate_alloc_decompressor());
  if (!machine) throw std::bad_alloc();
  inflated done;
  switch (::libdeflate_deflate_decompress_ex(machine.get(), in.data(), in.size(), out.data(),
                                             out.size(), &done.consumed_bytes,
                                             &done.produced_bytes)) {
    case LIBDEFLATE_SUCCESS:
      done.state = inflate_state::ended;
      return done;
    case LIBDEFLATE_INSUFFICIENT_SPACE:
      return {.state = inflate_state::too_long};
    case LIBDEFLATE_BAD_DATA:
    case LIBDEFLATE_SHORT_OUTPUT:
      break;
  }
  return {.state = inflate_state::corrupt};  // it does not tell a stream that lacks its end
}

struct inflater::state {
  ::inflate_state machine;
};

inflater::inflater() : state_(std::make_unique<state>()) { reset(); }
inflater::inflater(inflater&&) noexcept = default;
inflater& inflater::operator=(inflater&&) noexcept = default;
inflater::~inflater() = default;

void inflater::reset() noexcept {
  ::isal_inflate_init(&state_->machine);
  state_->machine.crc_flag = ISAL_DEFLATE;
  consumed_bytes_ = stream_bytes_ = 0;
  passed_bits_ = 0;
}

void inflater::reset(std::span<const std::byte> window, unsigned passed_bits) noexcept {
  reset();
  const auto last = window.last(std::min(window.size(), window_bytes));
  ::isal_inflate_set_dict(&state_->machine,
                          reinterpret_cast<unsigned char*>(const_cast<std::byte*>(last.data())),
                          static_cast<std::uint32_t>(last.size()));
  passed_bits_ = passed_bits;
}

inflated inflater::inflate(std::span<const std::byte> in, std::span<std::byte> out) {
  ::inflate_state& machine = state_->machine;
  constexpr std::size_t most = std::numeric_limits<std::int32_t>::max();
  in = in.first(std::min(in.size(), most));
  out = out.first(std::min(out.size(), most));
  std::size_t begun_bytes = 0;
  if (passed_bits_ > 0 && !in.empty()) {
    machine.read_in = std::to_integer<std::uint64_t>(in[0]) >> passed_bits_;
    machine.read_in_length = static_cast<std::int32_t>(8 - std::exchange(passed_bits_, 0u));
    in = in.subspan(begun_bytes = 1);
  }
  machine.next_in = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(in.data()));
  machine.avail_in = static_cast<std::uint32_t>(in.size());
  machine.next_out = reinterpret_cast<unsigned char*>(out.data());
  machine.avail_out = static_cast<std::uint32_t>(out.size());
  const int result = ::isal_inflate(&machine);
  inflated done{.produced_bytes = out.size() - machine.avail_out};
  // At the end it gives back what it has taken and not looked at: it may have taken that before.
  const auto left = std::int64_t{static_cast<std::int32_t>(machine.avail_in)} +
                    std::max(machine.read_in_length, 0) / 8;
  if (machine.block_state == ISAL_BLOCK_FINISH) {
    done.state = inflate_state::ended;
    done.consumed_bytes = begun_bytes + in.size();
    stream_bytes_ = consumed_bytes_ + done.consumed_bytes - static_cast<std::uint64_t>(left);
  } else if (result == ISAL_DECOMP_OK || result == ISAL_END_INPUT || result == ISAL_OUT_OVERFLOW) {
    done.consumed_bytes = begun_bytes + in.size() - machine.avail_in;
  } else {
    done.state = inflate_state::corrupt;
  }
  consumed_bytes_ += done.consumed_bytes;
  return done;
}

struct block_inflater::state {
  z_stream machine = {};
};

block_inflater::block_inflater() : state_(std::make_unique<state>()) {
  if (::inflateInit2(&state_->machine, -MAX_WBITS) != Z_OK) throw std::bad_alloc();
}
block_inflater::~block_inflater() { ::inflateEnd(&state_->machine); }

inflated block_inflater::inflate(std::span<const std::byte> in, std::span<std::byte> out) {
  z_stream& machine = state_->machine;
  constexpr std::size_t most = std::numeric_limits<std::int32_t>::max();
  in = in.first(std::min(in.size(), most));
  out = out.first(std::min(out.size(), most));
  machine.next_in = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(in.data()));
  machine.avail_in = static_cast<unsigned>(in.size());
  machine.next_out = reinterpret_cast<unsigned char*>(out.data());
  machine.avail_out = static_cast<unsigned>(out.size());
  const int result = ::inflate(&machine, Z_BLOCK);
  constexpr int unused_bits = 7, in_last_block = 64, at_block_end = 128;  // zlib.h
  const bool is_at_block = (machine.data_type & at_block_end) != 0 && result == Z_OK &&
                           (machine.data_type & in_last_block) == 0;
  block_begin_bits_.reset();
  if (is_at_block) {
    block_begin_bits_ = machine.total_in * std::uint64_t{8} -
                        static_cast<unsigned>(machine.data_type & unused_bits);
  }
  inflated done{.consumed_bytes = in.size() - machine.avail_in,
                .produced_bytes = out.size() - machine.avail_out};
  if (result == Z_STREAM_END) done.state = inflate_state::ended;
  if (result != Z_STREAM_END && result != Z_OK && result != Z_BUF_ERROR) {
    done.state = inflate_state::corrupt;
  }
  return done;
}

}  // namespace npymap::deflate
