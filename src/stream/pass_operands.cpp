#include "stream/pass_operands.hpp"

#include <algorithm>
#include <utility>

#include <npymap/array.hpp>
#include <npymap/convert.hpp>
#include <npymap/error.hpp>

#include "core/time_step.hpp"
#include "io/dense_writes.hpp"
#include "stream/copy/overlap.hpp"

namespace npymap::detail {
namespace {

index_t count_of(const shape& extents) { return element_count(extents).value_or(0); }

// The bytes of pages that an element stands for: more than its own where others lie between.
index_t page_bytes_per_element(const layout_ref& where) {
  const index_t count = element_count(where.shape).value_or(0);
  if (count == 0) return std::max<index_t>(where.itemsize, 1);
  const byte_reach reached = reach(where).value_or(byte_reach{});
  return std::max<index_t>({(reached.end - reached.begin) / count, where.itemsize, 1});
}

index_t taken_bytes(const input_operand& from) {
  return std::max(page_bytes_per_element(from.elements->layout()),
                  from.decodes ? from.wanted.itemsize() : 0);
}

index_t taken_bytes(const output_operand& to) {
  return std::max<index_t>({to.elements.itemsize(), to.given.itemsize(), 1});
}

input_operand input_from(const pass_input& given, bool is_alike) {
  const shared<element_source>& elements = given.elements.elements();
  return {{elements->shape(), is_alike},
          elements,
          given.wanted,
          needs_decoding(*elements, given.wanted, given.alignment, "a pass")};
}

output_operand output_to(const pass_output& given, bool is_alike) {
  const any_array& to = given.elements;
  require_element(to, to.dtype(), 1, true);
  if (!can_cast(given.given, to.dtype())) {
    throw error(errc::dtype_mismatch,
                {.path = to.path(),
                 .subject = "output of a pass",
                 .expected = "what " + descr(given.given) + " becomes by the rule same_kind",
                 .found = descr(to.dtype())});
  }
  return {{to.shape(), is_alike},
          to,
          given.given,
          !same_meaning(given.given, to.dtype()) ||
              !is_aligned(to.layout(), to.data(), given.alignment)};
}

void require_rows(const shape& lead, const shape& other) {
  if (!lead.empty() && !other.empty() && lead[0] == other[0]) return;
  throw error(errc::layout_mismatch, {.subject = "shapes of arrays in step",
                                      .expected = to_string(lead) + ", or as many rows",
                                      .found = to_string(other)});
}

/// Whether each piece of an output holds the elements of the same piece of an input, and no others.
bool lies_in_place(const element_source& x, const any_array& y) {
  if (x.shape() != y.shape() || x.byte_strides() != y.byte_strides()) return false;
  const std::byte* const first = x.at(index_vector(x.shape().rank()));
  if (!x.map().is_open() || !y.is_mapped()) return !first || first == y.data();
  const auto place = [](const file_map& map, const std::byte* at) {
    return static_cast<index_t>(map.offset_bytes()) + (at - map.data());
  };
  return place(x.map(), first) == place(y.map(), y.data());
}

/// An output may take the place of an input, but not lie across it, nor across another.
void require_apart(const std::vector<input_operand>& inputs,
                   const std::vector<output_operand>& outputs) {
  const auto refuse = [](const any_array& y, const char* found) {
    throw error(errc::invalid_argument, {.path = y.path(),
                                         .subject = "output of a pass",
                                         .expected = "an array apart from the others, or in the "
                                                     "very place of an input",
                                         .found = found});
  };
  for (std::size_t n = 0; n < outputs.size(); ++n) {
    const any_array& y = outputs[n].elements;
    for (const input_operand& x : inputs) {
      if (x.elements->may_overlap(y) && !lies_in_place(*x.elements, y)) {
        refuse(y, "one that shares elements with an input");
      }
    }
    for (std::size_t other = 0; other < n; ++other) {
      if (may_overlap(outputs[other].elements, y)) {
        refuse(y, "one that shares elements with another output");
      }
    }
  }
}

std::byte* scratch_of(io::aligned_buffer& scratch, index_t bytes) {
  const auto wanted = static_cast<std::size_t>(bytes);
  if (scratch.size_bytes() < wanted) scratch = io::aligned_buffer(wanted);
  return scratch.data();
}

}  // namespace

block_box cut_in_step::box_of(const block_box& lead) const {
  if (is_alike_) return lead;
  block_box box{index_vector(whole_.rank()), whole_};
  box.start[0] = lead.start[0];
  box.extents[0] = lead.extents[0];
  return box;
}

piece_memory input_operand::read(const block_box& lead, const std::byte* fetched,
                                 io::aligned_buffer& scratch) const {
  const block_box box = box_of(lead);
  const index_t itemsize = elements->type().itemsize();
  const std::byte* from = fetched;
  strides steps;
  if (elements->is_addressable()) {
    elements->make_present(box);
    from = elements->at(box.start);
    steps = elements->byte_strides();
  } else {
    steps = elements->packed(box.extents, itemsize);
  }
  // Inputs are handed out as views of const.
  if (!decodes) return {const_cast<std::byte*>(from), box.extents, steps, itemsize};
  std::byte* const to = scratch_of(scratch, *array_bytes(box.extents, wanted.itemsize()));
  const strides packed = elements->packed(box.extents, wanted.itemsize());
  convert_elements(elements->type(), from, {box.extents, steps, itemsize}, wanted, to,
                   {box.extents, packed, wanted.itemsize()});
  return {to, box.extents, packed, wanted.itemsize()};
}

bool input_operand::has_own_pages(const block_box& lead) const {
  const block_box box = box_of(lead);
  const index_t bytes = *array_bytes(box.extents, elements->type().itemsize());
  return elements->pages_of(box).size_bytes() / 2 <= bytes;
}

std::byte* output_operand::at(const block_box& box) const {
  return elements.data() + byte_offset(box.start, elements.byte_strides());
}

// Dense bytes of a file are better written than touched in a map.
bool output_operand::is_written_to_file(const block_box& box) const {
  if (!elements.is_mapped() || elements.mode() == open_mode::copy_on_write) return false;
  const layout_ref there{box.extents, elements.byte_strides(), elements.itemsize()};
  const byte_reach reached = reach(there).value_or(byte_reach{});
  return reached.begin == 0 && reached.end == *array_bytes(box.extents, elements.itemsize());
}

piece_memory output_operand::offer(const block_box& lead, io::aligned_buffer& scratch) const {
  const block_box box = box_of(lead);
  if (!converts && !is_written_to_file(box)) {
    return {at(box), box.extents, elements.byte_strides(), elements.itemsize()};
  }
  std::byte* const to = scratch_of(scratch, *array_bytes(box.extents, given.itemsize()));
  // In the order of the array, so that its elements are walked as they lie.
  const strides steps =
      packed_strides(box.extents, axes_by_stride(elements.layout()), given.itemsize());
  return {to, box.extents, steps, given.itemsize()};
}

std::optional<large_page_cut> output_operand::cut_at_large_pages(int axis) const {
  if (!is_written_to_file({index_vector(elements.rank()), elements.shape()})) return {};
  if (axes_by_stride(elements.layout())[0] != axis) return {};
  constexpr auto page = static_cast<index_t>(io::large_page_bytes);
  const file_map& map = elements.map();
  const index_t step = elements.byte_strides()[axis];
  const index_t offset = static_cast<index_t>(map.offset_bytes()) + (elements.data() - map.data());
  if (step <= 0 || page % step != 0 || offset % step != 0) return {};
  return large_page_cut{page / step, offset % page / step};
}

void output_operand::write(const block_box& lead, const piece_memory& written,
                           io::aligned_buffer& scratch) const {
  const block_box box = box_of(lead);
  std::byte* const there = at(box);
  if (written.data == there) return;
  const layout_ref given_where = written.part().where;
  const layout_ref where{box.extents, elements.byte_strides(), elements.itemsize()};
  if (!is_written_to_file(box)) {
    return convert_elements(given, written.data, given_where, elements.dtype(), there, where);
  }
  const index_t bytes = *array_bytes(box.extents, elements.itemsize());
  const std::byte* stored = written.data;
  if (converts) {
    std::byte* const to = scratch_of(scratch, bytes);
    convert_elements(given, written.data, given_where, elements.dtype(), to, where);
    stored = to;
  }
  const file_map& map = elements.map();
  map.write(static_cast<std::size_t>(there - map.data()),
            {stored, static_cast<std::size_t>(bytes)});
}

pass_operands::pass_operands(std::span<const pass_input> inputs,
                             std::span<const pass_output> outputs, pieces cut) {
  std::vector<shape> shapes;
  for (const pass_input& x : inputs) shapes.push_back(x.elements.shape());
  for (const pass_output& y : outputs) shapes.push_back(y.elements.shape());
  const bool has_rows = !shapes.empty() && !shapes.front().empty();
  is_alike_ = (cut == pieces::anywhere || !has_rows) &&
              std::adjacent_find(shapes.begin(), shapes.end(), std::not_equal_to()) == shapes.end();
  for (const pass_input& x : inputs) inputs_.push_back(input_from(x, is_alike_));
  for (const pass_output& y : outputs) outputs_.push_back(output_to(y, is_alike_));
  if (shapes.empty()) return;
  require_apart(inputs_, outputs_);
  for (const input_operand& x : inputs_) {
    if (x.elements->map().is_open()) maps_.push_back(x.elements->map());
  }
  for (const output_operand& y : outputs_) {
    if (y.elements.is_mapped()) maps_.push_back(y.elements.map());
  }

  // What has most elements in a row, so that it has rows at all if any has.
  const auto lead =
      std::max_element(shapes.begin(), shapes.end(),
                       [](const shape& a, const shape& b) { return count_of(a) < count_of(b); });
  const auto n = static_cast<std::size_t>(lead - shapes.begin());
  const layout_ref led = n < inputs_.size() ? inputs_[n].elements->layout()
                                            : outputs_[n - inputs_.size()].elements.layout();
  lead_ = {*lead, strides(led.byte_strides)};
  lead_itemsize_ = led.itemsize;
  if (!is_alike_) {
    for (const shape& other : shapes) require_rows(*lead, other);
  }
  const index_t rows = is_alike_ ? count_of(*lead) : (*lead)[0];
  const auto add = [&](const auto& operand, const shape& extents, index_t itemsize, bool counts) {
    const index_t in_row = rows == 0 ? 0 : count_of(extents) / rows;
    taken_bytes_ += taken_bytes(operand) * in_row;
    if (counts) total_bytes_ += static_cast<std::uint64_t>(count_of(extents) * itemsize);
  };
  for (const input_operand& x : inputs_) {
    add(x, x.elements->shape(), x.elements->type().itemsize(), true);
  }
  for (const output_operand& y : outputs_) {
    add(y, y.elements.shape(), y.elements.itemsize(), inputs_.empty());
  }
}

block_plan pass_operands::plan(block_limit limit) const {
  const layout_ref lead{lead_.shape, lead_.byte_strides, lead_itemsize_};
  if (is_alike_) {
    limit.bytes_per_element = bytes_per_element();
    const auto at_large_pages = plan_at_large_pages(lead, limit);
    return at_large_pages ? *at_large_pages : block_plan(lead, limit, {}).fitting();
  }
  const auto row_bytes = static_cast<std::uint64_t>(std::max<index_t>(taken_bytes_, 1));
  // A long row is a piece of its own, if four fit.
  limit.bytes = std::max(limit.bytes, std::min(row_bytes, limit.budget_bytes / limit.scale));
  limit.bytes_per_element = bytes_per_element();
  const std::uint64_t rows = std::clamp<std::uint64_t>(limit.bytes / row_bytes, 1, 1u << 30);
  const block_options cut{.axis = 0, .extent = static_cast<index_t>(rows)};
  return block_plan(lead, limit, cut).fitting();
}

std::optional<block_plan> pass_operands::plan_at_large_pages(const layout_ref& lead,
                                                             block_limit limit) const {
  if (lead.rank() == 0 || count_of(lead_.shape) == 0) return {};
  const auto axis = static_cast<int>(axes_by_stride(lead)[0]);
  const index_t place_bytes = count_of(lead_.shape) / lead_.shape[axis] * bytes_per_element();
  for (const output_operand& to : outputs_) {
    const auto cut = to.cut_at_large_pages(axis);
    if (!cut) continue;
    const auto bytes = static_cast<std::uint64_t>(cut->extent * place_bytes);
    if (bytes > limit.budget_bytes / limit.scale) continue;
    limit.bytes = bytes;
    return block_plan(lead, limit, {.axis = axis, .extent = cut->extent}, cut->short_of);
  }
  return {};
}

std::uint64_t pass_operands::bytes_of(const block_box& lead) const {
  std::uint64_t bytes = 0;
  const auto add = [&](const cut_in_step& operand, index_t itemsize) {
    bytes += static_cast<std::uint64_t>(count_of(operand.box_of(lead).extents) * itemsize);
  };
  for (const input_operand& x : inputs_) add(x, x.elements->type().itemsize());
  if (inputs_.empty()) {
    for (const output_operand& y : outputs_) add(y, y.elements.itemsize());
  }
  return bytes;
}

std::uint64_t pass_operands::spanned_bytes() const noexcept {
  std::uint64_t bytes = 0;
  for (const input_operand& x : inputs_) bytes += x.elements->spanned_bytes();
  return bytes;
}

index_t pass_operands::bytes_per_element() const noexcept {
  if (is_alike_) return std::max<index_t>(taken_bytes_, 1);
  const index_t in_row = count_of(lead_.shape) / std::max<index_t>(lead_.shape[0], 1);
  return std::max<index_t>(taken_bytes_, 1) / std::max<index_t>(in_row, 1);
}

bool pass_operands::fetches() const noexcept {
  return std::any_of(inputs_.begin(), inputs_.end(),
                     [](const input_operand& x) { return !x.elements->is_addressable(); });
}

}  // namespace npymap::detail
