// Asks /proc and the kernel. Nothing fails: what cannot be found out is "unknown".
#include "bench/machine.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#define LINE_SIZE 1024u

static void processor_find(char *out_text, size_t size)
{
    (void)snprintf(out_text, size, "unknown");
    FILE *file = fopen("/proc/cpuinfo", "re");
    if (file == NULL) {
        return;
    }
    char line[LINE_SIZE];
    while (fgets(line, sizeof(line), file) != NULL) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) == 0 && colon != NULL && colon[1] == ' ') {
            line[strcspn(line, "\n")] = '\0';
            (void)snprintf(out_text, size, "%s", colon + 2);
            break;
        }
    }
    (void)fclose(file);
}

// A line of mountinfo: id, parent, major:minor, root, mount point, options …, " - ", type, source.
static int mount_matches(const char *line, unsigned major_number, unsigned minor_number,
                         char *out_text, size_t size)
{
    char wanted[32];
    char type[64] = "";
    char source[64] = "";
    (void)snprintf(wanted, sizeof(wanted), " %u:%u ", major_number, minor_number);
    const char *dash = strstr(line, " - ");
    if (strstr(line, wanted) == NULL || dash == NULL ||
        sscanf(dash + 3, "%63s %63s", type, source) != 2) {
        return 0;
    }
    (void)snprintf(out_text, size, "%s on %s", type, source);
    return 1;
}

static void file_system_find(const char *directory, char *out_text, size_t size)
{
    struct stat status;
    (void)snprintf(out_text, size, "unknown");
    FILE *file = fopen("/proc/self/mountinfo", "re");
    if (file == NULL) {
        return;
    }
    char line[LINE_SIZE];
    if (stat(directory, &status) == 0) {
        while (fgets(line, sizeof(line), file) != NULL &&
               !mount_matches(line, major(status.st_dev), minor(status.st_dev), out_text, size)) {
        }
    }
    (void)fclose(file);
}

void jf_machine_describe(const char *directory, struct jf_machine *out_machine)
{
    struct utsname names;
    struct sysinfo info;
    *out_machine = (struct jf_machine){.kernel = "unknown"};
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    out_machine->cores = cores > 0 ? (uint32_t)cores : 0;
    if (sysinfo(&info) == 0) {
        out_machine->memory_mib = ((uint64_t)info.totalram * info.mem_unit) >> 20;
    }
    if (uname(&names) == 0) {
        (void)snprintf(out_machine->kernel, sizeof(out_machine->kernel), "%.30s %.60s %.30s",
                       names.sysname, names.release, names.machine);
    }
    processor_find(out_machine->processor, sizeof(out_machine->processor));
    file_system_find(directory, out_machine->file_system, sizeof(out_machine->file_system));
}

uint64_t jf_machine_free_bytes(const char *directory)
{
    struct statvfs status;
    if (statvfs(directory, &status) != 0) {
        return 0;
    }
    return (uint64_t)status.f_bavail * status.f_frsize;
}
