// The descriptors of everything served: a google.protobuf.FileDescriptorSet as protoc wrote it,
// looked through without being decoded. Threads: any; immutable; nothing here allocates.
#ifndef JF_SERVICE_DESCRIPTORS_H
#define JF_SERVICE_DESCRIPTORS_H

#include "base/text.h"

struct jf_descriptors {
    struct jf_text set; // encoded FileDescriptorSet
};

// The one that is built into the program.
struct jf_descriptors jf_descriptors_embedded(void);

// Each gives an encoded FileDescriptorProto within the set; size 0: there is none.
struct jf_text jf_descriptors_file(const struct jf_descriptors *descriptors,
                                   struct jf_text file_name);
// In: a message, enum, service or method by its full name, with or without a dot before it.
struct jf_text jf_descriptors_symbol(const struct jf_descriptors *descriptors,
                                     struct jf_text symbol);

#endif
