/**
 * In place of dcmjs, which Cornerstone's metadata package brings for reading files. We read none in the browser; of
 * dcmjs only the loggers are used, here quiet but for errors.
 */

import loglevel from 'loglevel';

export const log = {
  getLogger(name: string) {
    const logger = loglevel.getLogger(name);
    logger.setLevel('error', false);
    return logger;
  },
};

export const constants = {
  IMPLICIT_LITTLE_ENDIAN: '1.2.840.10008.1.2',
  EXPLICIT_LITTLE_ENDIAN: '1.2.840.10008.1.2.1',
  DEFLATED_EXPLICIT_LITTLE_ENDIAN: '1.2.840.10008.1.2.1.99',
  EXPLICIT_BIG_ENDIAN: '1.2.840.10008.1.2.2',
};

class Unused {}

export default {
  log,
  constants,
  data: { DicomMetaDictionary: { dictionary: {}, nameMap: {} } },
  async: { AsyncDicomReader: Unused },
  utilities: { DicomMetadataListener: Unused },
};
