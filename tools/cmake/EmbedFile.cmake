# cmake -DINPUT=… -DOUTPUT=… -DNAME=… -P EmbedFile.cmake: a file's bytes as a C array NAME and NAME_size.
file(READ ${INPUT} hex HEX)
string(LENGTH "${hex}" digits)
math(EXPR size "${digits} / 2")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)"
  "\\1\n" bytes "${bytes}")
file(WRITE ${OUTPUT}
  "#include <stdint.h>\n"
  "extern const unsigned char ${NAME}[];\nextern const uint32_t ${NAME}_size;\n"
  "const unsigned char ${NAME}[] = {\n${bytes}};\nconst uint32_t ${NAME}_size = ${size};\n")
